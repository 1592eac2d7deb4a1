"""find_duplicates: mark near-duplicate queries."""

from collections.abc import Iterable
from typing import Any

from accounts.models import Door
from curation.duplicates import find_duplicates
from web.commands import Outcome, StudioCommand


class Command(StudioCommand):
    help = "Mark queries that differ only in form as duplicates of the first; nothing is deleted."
    example = "manage.py find_duplicates"

    def carry_out(self, **options: Any) -> Outcome:
        found = find_duplicates(by=None, door=Door.COMMAND, watch=self._watch)
        result = {
            "checked": found.checked,
            "duplicates": found.duplicates,
            "clusters": found.clusters,
            "action": found.action.pk if found.action else None,
        }
        if found.action is None:
            return Outcome(result, [f"{found.checked} queries checked, no new near-duplicates"])
        line = (
            f"{found.checked} queries checked, {found.duplicates} near-duplicates in {found.clusters} clusters "
            f"(action {found.action.pk} can be undone)"
        )
        return Outcome(result, [line])

    def _watch(self, blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
        return self.progress(blocks, total=total, what="comparing, in blocks")
