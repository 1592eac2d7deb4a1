"""check_contamination: set aside queries that hold benchmark tasks."""

from collections.abc import Iterable
from typing import Any

from accounts.models import Door
from curation.contamination import NoBenchmark, check_contamination
from curation.models import Tier
from web.commands import BadInput, Outcome, StudioCommand


class Command(StudioCommand):
    help = "Set aside queries whose text or answer holds a task of an imported benchmark; suspect those near one."
    example = "manage.py check_contamination"

    def carry_out(self, **options: Any) -> Outcome:
        try:
            found = check_contamination(by=None, door=Door.COMMAND, watch=self._watch)
        except NoBenchmark as missing:
            raise BadInput(str(missing)) from None
        result = {
            "checked": found.checked,
            "set_aside": found.set_aside,
            "suspect": found.suspect,
            "hits": dict(found.hits),
            "action": found.action.pk if found.action else None,
        }
        if found.action is None:
            return Outcome(result, [f"{found.checked} queries checked, nothing new is found"])
        lines = [
            f"{found.checked} queries checked, {found.set_aside} set aside, {found.suspect} suspect "
            f"(action {found.action.pk} can be undone)",
            *(f"  {Tier(tier).label}: {count} hits" for tier, count in found.hits.items()),
        ]
        return Outcome(result, lines)

    def _watch(self, blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
        return self.progress(blocks, total=total, what="checking, in blocks")
