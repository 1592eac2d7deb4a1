"""judge_suspects: ask a model whether each suspect is the benchmark's task; people still decide."""

from typing import Any

from django.core.management.base import CommandParser

from curation.contamination.opinions import KIND
from runs.command_line import add_run_arguments, carry_out_run
from web.commands import Outcome, StudioCommand


class Command(StudioCommand):
    help = "Ask the critic whether suspects are the benchmark's task in other words; those it takes for it come first."
    example = "manage.py judge_suspects --limit 500 --budget 2 --wait"

    def add_own_arguments(self, parser: CommandParser) -> None:
        add_run_arguments(parser, help_text="only the N likeliest pairs of query and task without an opinion")

    def carry_out(self, **options: Any) -> Outcome:
        return carry_out_run(self, KIND.name, KIND.title, {"limit": options["limit"]}, options)
