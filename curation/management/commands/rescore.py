"""Read stored replies again."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.models import Score
from curation.scores.rereading import Reread, reread_scores
from web.commands import BadInput, Outcome, StudioCommand
from web.counts import counted


class Command(StudioCommand):
    help = "Read the judges' stored replies again with the present parser; no model is asked."
    example = "manage.py rescore --reparse"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reparse", action="store_true", help="read the stored replies (the only way so far)")

    def carry_out(self, **options: Any) -> Outcome:
        if not options["reparse"]:
            raise BadInput("say what to do: --reparse reads stored replies again; score --draw N asks for other ones")
        reread = reread_scores(by=None, door=Door.COMMAND, watch=self._watch)
        result = {"read": reread.read, "changed": reread.changed, "without_reply": reread.without_reply}
        return Outcome(result=result, lines=_lines(reread))

    def _watch(self, blocks: Iterable[list[Score]], total: int) -> Iterable[list[Score]]:
        return self.progress(blocks, total=total, what="reading, in blocks")


def _lines(reread: Reread) -> list[str]:
    if not reread.read and not reread.without_reply:
        return ["nothing to read: no query has been scored yet"]
    read, changed = counted(reread.read, "reply", "replies"), counted(reread.changed, "score")
    lines = [f"{read} read again, {changed} changed; no call was made"]
    if reread.without_reply:
        lines.append(f"{counted(reread.without_reply, 'score')} without a stored reply: left as before")
    if reread.decided:
        lines.append(f"{reread.decided} of the changed scores belong to decided queries: manage.py decide comes next")
    return lines
