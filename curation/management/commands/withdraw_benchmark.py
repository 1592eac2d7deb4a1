"""withdraw_benchmark NAME: check queries against it no longer."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.intake.benchmarks import BadBenchmark, withdraw_benchmark
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
        freed = action.rows_changed - 1
        free = f"{counted(freed, 'query', 'queries')} free again"
        line = f"{options['name']} is withdrawn, {free} (action {action.pk} can be undone)"
        return Outcome({"benchmark": options["name"], "freed": freed, "action": action.pk}, [line])
