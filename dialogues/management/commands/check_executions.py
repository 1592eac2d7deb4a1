"""Run the code of dialogues again and compare."""

import os
from collections import Counter
from difflib import unified_diff
from typing import Any

from django.core.management.base import CommandError, CommandParser

from dialogues.rechecking import Rechecked, recheck, stored_executions
from runs.executing import SandboxFailed
from web.commands import NOT_FINISHED, OK, Outcome, StudioCommand

LINES_SHOWN = 12


class Command(StudioCommand):
    help = (
        "Run the stored code of dialogues again in the sandbox and list what no longer gives the same result."
        " What changes by nature (times, addresses, the order of sets, draws without a seed) is counted apart."
    )
    example = "manage.py check_executions --sample 200"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sample", type=int, metavar="N", help="only N of them, drawn at random")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="which ones are drawn")
        parser.add_argument("--all", action="store_true", help="also those that stand in no dialogue")

    def carry_out(self, **options: Any) -> Outcome:
        ids = stored_executions(options["sample"], options["seed"], in_dialogues=not options["all"])
        again = recheck(ids, workers=os.cpu_count() or 1)
        try:
            checked = list(self.progress(again, total=len(ids), what="running again"))
        except SandboxFailed as failure:
            raise CommandError(f"{failure}; see manage.py doctor", returncode=NOT_FINISHED) from failure
        changed = [one for one in checked if one.changed]
        natural = [one for one in checked if one.natures]
        not_run = [one for one in checked if one.not_run]
        lines = [line for one in checked for line in _told(one)]
        again_run = len(checked) - len(not_run)
        counted = f"{again_run} programs run again: {len(changed)} changed, {len(natural)} changed by nature"
        lines.append(f"{counted}; {len(not_run)} not run" if not_run else counted)
        result = {
            "checked": again_run,
            "changed": len(changed),
            "executions": [one.execution_id for one in changed],
            "dialogues": sorted({pk for one in changed for pk in one.dialogue_ids}),
            "by_nature": [
                {"execution": one.execution_id, "natures": [str(nature) for nature in one.natures]} for one in natural
            ],
            "natures": dict(Counter(str(nature) for one in natural for nature in one.natures)),
            "not_run": [{"execution": one.execution_id, "why": one.not_run} for one in not_run],
        }
        return Outcome(result, lines, NOT_FINISHED if changed or not_run else OK)


def _told(one: Rechecked) -> list[str]:
    """What people read of one; nothing of a result that came again."""
    name = f"execution {one.execution_id}"
    if one.dialogue_ids:
        name += f" in dialogue {', '.join(map(str, one.dialogue_ids))}"
    if one.not_run:
        return [f"{name}: {one.not_run}"]
    if one.natures:
        return [f"{name} changes by nature: {', '.join(one.natures)}"]
    if not one.changed:
        return []
    before, now = one.runtimes
    heading = f"{name}:" if before == now else f"{name} ({before} then, {now} now):"
    lines = unified_diff(one.stands.splitlines(), one.reads_now.splitlines(), "stands", "now", n=0, lineterm="")
    return [heading, *map(_shown, list(lines)[:LINES_SHOWN])]


def _shown(line: str) -> str:
    """The line without the commands to a terminal that a program may have printed."""
    return "".join(letter if letter.isprintable() or letter == "\t" else ascii(letter)[1:-1] for letter in line)
