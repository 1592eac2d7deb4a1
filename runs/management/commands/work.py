"""Do queued work in this process, without a broker."""

import time
from typing import Any

from django.core.management.base import CommandParser

from runs.waiting import work_until_idle
from web.commands import Outcome, StudioCommand

POLL_S = 1.0


class Command(StudioCommand):
    help = "Work on queued runs in this process; no broker is needed."
    example = "manage.py work --until-idle"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until-idle", action="store_true", help="end when no run has work left")

    def carry_out(self, **options: Any) -> Outcome:
        worked = work_until_idle()
        while not options["until_idle"]:
            time.sleep(POLL_S)
            worked += work_until_idle()
        return Outcome(
            result={"runs": worked}, lines=[f"worked on {worked} runs" if worked else "no run has work left"]
        )
