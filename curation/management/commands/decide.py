"""Decide which scored queries are kept."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.decisions.deciding import Decided
from curation.decisions.rules import DEFAULT_RULE, DEFAULT_THRESHOLD, RULES, BadRule, Rule
from curation.decisions.ruling import ask_for_decision, decide_all
from curation.pool_passes import AtWork, carry_out
from web.commands import BadInput, NotReady, Outcome, StudioCommand
from web.counts import counted


class Command(StudioCommand):
    help = "Link the templates' scales, mark disputes, and keep or drop every scored query by a rule."
    example = "manage.py decide --rule mean_at_least --threshold 4.0"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rule", default=DEFAULT_RULE, metavar="NAME", help=f"one of {', '.join(RULES)}")
        parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD, metavar="X", help="from 1 to 5")

    def carry_out(self, **options: Any) -> Outcome:
        try:
            asked = ask_for_decision(Rule(options["rule"], options["threshold"]), by=None)
            decided = carry_out(asked, lambda: decide_all(asked, door=Door.COMMAND, progress=self.progress))
        except BadRule as error:
            raise BadInput(str(error)) from error
        except AtWork as reason:
            raise NotReady(str(reason)) from None
        if decided is None:
            raise NotReady(f"decision {asked} was taken for dead; what it had written stands and can be undone")
        return Outcome(result=_result(decided), lines=_lines(decided))


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
