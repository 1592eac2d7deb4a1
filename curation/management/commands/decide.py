"""Decide which scored queries are kept."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.models import Door
from curation.decisions.deciding import Decided, decide
from curation.decisions.rules import DEFAULT_RULE, DEFAULT_THRESHOLD, RULES, BadRule, Rule
from web.commands import BadInput, Outcome, StudioCommand
from web.counts import counted


class Command(StudioCommand):
    help = "Link the templates' scales, mark disputes, and keep or drop every scored query by a rule."
    example = "manage.py decide --rule mean_at_least --threshold 4.0"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rule", default=DEFAULT_RULE, metavar="NAME", help=f"one of {', '.join(RULES)}")
        parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD, metavar="X", help="from 1 to 5")

    def carry_out(self, **options: Any) -> Outcome:
        try:
            rule = Rule(options["rule"], options["threshold"])
            decided = decide(rule, by=None, door=Door.COMMAND, at=timezone.now(), watch=self._watch)
        except BadRule as error:
            raise BadInput(str(error)) from error
        return Outcome(result=_result(decided), lines=_lines(decided))

    def _watch(self, blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
        return self.progress(blocks, total=total, what="deciding, in blocks")


def _result(decided: Decided) -> dict[str, Any]:
    return {
        "rule": str(decided.rule),
        "kept": decided.kept,
        "dropped": decided.dropped,
        "disputed": decided.disputed,
        "unscored": decided.unscored,
        "unreadable": decided.unreadable,
        "changed": decided.changed,
    }


def _lines(decided: Decided) -> list[str]:
    if not decided.judges:
        return ["nothing to decide: no judge has scored yet; manage.py score does that"]
    lines = [
        f"{decided.rule}: {decided.kept} kept, {decided.dropped} dropped, {decided.unscored} without a full set of "
        f"readable scores ({decided.unreadable} of them answered, but unreadable); {decided.disputed} in dispute"
    ]
    for link in decided.links:
        table = ", ".join(f"{level} → {point:.2f}" for level, point in enumerate(link.table, start=1))
        lines.append(f"{link.template} read on {link.anchor} ({link.method}, {counted(link.n, 'pair')}): {table}")
    if decided.unscored > decided.unreadable:
        counts = ", ".join(f"{name} {answered}" for name, answered in decided.judges.items())
        lines.append(f"answers by judge: {counts}; a rule needs all of them")
    lines.append(
        f"{counted(decided.changed, 'row')} changed" if decided.changed else "nothing has changed since the last time"
    )
    return lines
