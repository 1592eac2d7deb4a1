"""find_languages: tell the languages of code and of prose from their content."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from accounts.models import Door
from curation.intake.detectors import NATURAL_NAMES, MissingDetectors, load_detectors
from curation.intake.finding_languages import ask_for_languages, look
from curation.models import LanguagePass
from curation.pool_passes import AtWork, carry_out
from web.commands import BadInput, NotReady, Outcome, StudioCommand
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
            asked = ask_for_languages(by=None)
        except MissingDetectors as missing:
            raise BadInput(str(missing)) from None
        except AtWork as reason:
            raise NotReady(str(reason)) from None
        carry_out(asked, lambda: look(asked, door=Door.COMMAND, tell=detectors, progress=self.progress))
        if asked.state == "cancelled":
            raise NotReady(f"{asked} was cancelled; what it had written stands and can be undone")
        found = {name: asked.found[name] for name in ("checked", "code", "prose")}
        return Outcome(found | {"action": asked.action_id}, list(_lines(asked)))


def _lines(one: LanguagePass) -> Iterator[str]:
    if one.action is None:
        yield "no query waits to be looked at"
        return
    looked_at = counted(one.found["checked"], "query", "queries")
    told = f"{looked_at} looked at, the programming language of {one.found['told']} found"
    yield f"{told} (action {one.action.pk} can be undone); written in"
    for language, count in Counter(one.found["prose"]).most_common():
        yield f"  {NATURAL_NAMES[language]}: {count}"
