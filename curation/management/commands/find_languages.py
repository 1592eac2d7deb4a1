"""find_languages: tell the languages of code and of prose from their content."""

from collections.abc import Iterable
from typing import Any

from accounts.models import Door
from curation.intake.detectors import NATURAL_NAMES, MissingDetectors, load_detectors
from curation.intake.finding_languages import find_languages
from web.commands import BadInput, Outcome, StudioCommand
from web.counts import counted


class Command(StudioCommand):
    help = (
        "Find the programming language of answers where neither source nor fence names it, and the language in which "
        "each query is written. Each query is looked at once; a pass that was stopped goes on."
    )
    example = "manage.py find_languages"

    def carry_out(self, **options: Any) -> Outcome:
        try:
            detectors = load_detectors()
        except MissingDetectors as missing:
            raise BadInput(str(missing)) from None
        found = find_languages(by=None, door=Door.COMMAND, tell=detectors, watch=self._watch)
        result = {
            "checked": found.checked,
            "code": dict(found.code.most_common()),
            "prose": dict(found.prose.most_common()),
            "action": found.action.pk if found.action else None,
        }
        if found.action is None:
            return Outcome(result, ["no query waits to be looked at"])
        looked_at = counted(found.checked, "query", "queries")
        line = f"{looked_at} looked at, the programming language of {found.code.total()} found"
        written = (f"  {NATURAL_NAMES[language]}: {count}" for language, count in found.prose.most_common())
        return Outcome(result, [f"{line} (action {found.action.pk} can be undone); written in", *written])

    def _watch(self, blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
        return self.progress(blocks, total=total, what="looking, in blocks")
