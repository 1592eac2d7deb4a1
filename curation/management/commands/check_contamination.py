"""check_contamination: set aside queries that hold benchmark tasks, and suspect those near one."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from accounts.models import Door
from curation.contamination import solving
from curation.contamination.checking import NEAREST, NoBenchmark, Tell, ask_for_check, check_contamination
from curation.models import ContaminationPass, Tier
from curation.pool_passes import AtWork, carry_out
from embeddings import Embedder, MissingExtra
from runs.command_line import carry_out_run
from web.commands import BadInput, NotReady, Outcome, StudioCommand
from web.counts import counted

RUN_OPTIONS: dict[str, Any] = {"draw": 0, "dry_run": False, "wait": True, "budget": None, "model": []}


class Command(StudioCommand):
    help = (
        "Set aside queries whose text or answer holds a task of an imported benchmark; suspect those that lie nearest "
        "to one in meaning, for people to look at. Queries checked before are not read again."
    )
    example = "manage.py check_contamination --nearest 10"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--nearest",
            type=int,
            default=NEAREST,
            metavar="N",
            help=f"suspect the N queries nearest to each task (default {NEAREST}; 0: words only, no embeddings)",
        )
        parser.add_argument("--again", action="store_true", help="also read queries that were checked before")

        parser.add_argument(
            "--execute",
            action="store_true",
            help="then run the answers of suspects, under the task's name, against its tests; what passes is set aside",
        )

    def carry_out(self, **options: Any) -> Outcome:
        if not 0 <= options["nearest"] <= 1000:
            raise BadInput(f"--nearest {options['nearest']}: give a number from 0 to 1000")
        try:
            embedder = Embedder() if options["nearest"] else None
            asked = ask_for_check(by=None, again=options["again"], nearest=options["nearest"])
        except MissingExtra as missing:
            raise BadInput(f"{missing}; or give --nearest 0 to look at words only") from None
        except NoBenchmark as missing:
            raise BadInput(str(missing)) from None
        except AtWork as reason:
            raise NotReady(str(reason)) from None
        tell = self._shown()
        carry_out(asked, lambda: check_contamination(asked, door=Door.COMMAND, embedder=embedder, tell=tell))
        if asked.state == "cancelled":
            raise NotReady(f"{asked} was cancelled; what it had written stands and can be undone")
        outcome = _outcome(asked)
        if not options["execute"]:
            return outcome
        return _with_run(outcome, carry_out_run(self, solving.KIND.name, solving.KIND.title, {}, RUN_OPTIONS))

    def _shown(self) -> Tell:
        """A bar for each thing the check is at; away from a terminal a line at every tenth."""
        bars: dict[str, tqdm[Any]] = {}
        tenths: dict[str, int] = {}

        def show(doing: str, done: int, total: int) -> None:
            if self.stderr.isatty():
                bar = bars.setdefault(doing, tqdm(total=total, desc=doing, unit="", file=sys.stderr, leave=False))
                bar.update(done - bar.n)
            elif tenths.get(doing) != (tenth := 10 * done // max(total, 1)):
                tenths[doing] = tenth
                self.stderr.write(f"{doing}: {done} of {total}")

        return show


def _with_run(checked: Outcome, ran: Outcome) -> Outcome:
    return Outcome(checked.result | {"execution": ran.result}, [*checked.lines, *ran.lines], ran.exit_code)


def _outcome(one: ContaminationPass) -> Outcome:
    result = {**one.found, "action": one.action.pk if one.action else None}
    checked = f"{counted(one.found['checked'], 'query', 'queries')} read"
    if one.action is None:
        return Outcome(result, [f"{checked}, nothing new is found"])
    lines = [
        f"{checked}, {one.found['set_aside']:,} set aside, {one.found['suspect']:,} suspect "
        f"(action {one.action.pk} can be undone)",
        *(f"  {Tier(tier).label}: {counted(count, 'hit')}" for tier, count in one.found["hits"].items()),
    ]
    return Outcome(result, lines)
