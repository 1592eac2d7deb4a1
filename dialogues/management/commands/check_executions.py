"""Run the code of dialogues again and compare."""

import os
from difflib import unified_diff
from typing import Any

from django.core.management.base import CommandError, CommandParser

from dialogues.rechecking import Rechecked, executions_of_dialogues, recheck
from runs.executing import SandboxFailed
from web.commands import NOT_FINISHED, OK, Outcome, StudioCommand

LINES_SHOWN = 12


class Command(StudioCommand):
    help = "Run the stored code of dialogues again in the sandbox and list what no longer gives the same result."
    example = "manage.py check_executions --sample 200"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sample", type=int, metavar="N", help="only N of them, drawn at random")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="which ones are drawn")

    def carry_out(self, **options: Any) -> Outcome:
        ids = executions_of_dialogues(options["sample"], options["seed"])
        again = recheck(ids, workers=os.cpu_count() or 1)
        try:
            checked = list(self.progress(again, total=len(ids), what="running again"))
        except SandboxFailed as failure:
            raise CommandError(f"{failure}; see manage.py doctor", returncode=NOT_FINISHED) from failure
        changed = [one for one in checked if one.changed]
        lines = [line for one in changed for line in _difference(one)]
        lines.append(f"{len(checked)} programs run again, {len(changed)} changed")
        result = {
            "checked": len(checked),
            "changed": len(changed),
            "executions": [one.execution_id for one in changed],
            "dialogues": sorted({pk for one in changed for pk in one.dialogue_ids}),
        }
        return Outcome(result, lines, NOT_FINISHED if changed else OK)


def _difference(one: Rechecked) -> list[str]:
    dialogues = ", ".join(map(str, one.dialogue_ids))
    lines = unified_diff(one.stands.splitlines(), one.reads_now.splitlines(), "stands", "now", n=0, lineterm="")
    return [f"execution {one.execution_id} in dialogue {dialogues}:", *list(lines)[:LINES_SHOWN]]
