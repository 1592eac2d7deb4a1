"""withdraw_benchmark NAME: check queries against it no longer."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.intake.benchmarks import BadBenchmark, withdraw_benchmark
from curation.models import Contamination
from web.commands import BadInput, Outcome, StudioCommand
from web.counts import counted


class Command(StudioCommand):
    help = "Check queries against a benchmark no longer; those that only its tasks had set aside or suspected are free."
    example = "manage.py withdraw_benchmark mbpp"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def carry_out(self, **options: Any) -> Outcome:
        try:
            action = withdraw_benchmark(options["name"], by=None, door=Door.COMMAND)
        except BadBenchmark as bad:
            raise BadInput(str(bad)) from None
        suspects = action.rows.filter(after__contamination=Contamination.SUSPECT).count()
        freed = action.rows_changed - 1 - suspects
        free = f"{counted(freed, 'query', 'queries')} free again, {suspects} suspected of another benchmark's tasks"
        line = f"{options['name']} is withdrawn, {free} (action {action.pk} can be undone)"
        told = {"benchmark": options["name"], "freed": freed, "suspects": suspects, "action": action.pk}
        return Outcome(told, [line])
