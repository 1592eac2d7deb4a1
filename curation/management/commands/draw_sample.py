"""Draw a stratified sample of the pool for the audit."""

import random
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.models import Door
from curation.audits.drawing import DOUBLE, LARGEST_SAMPLE, SMALLEST_SAMPLE, NotDrawn, draw_sample
from web.commands import BadInput, Outcome, StudioCommand


class Command(StudioCommand):
    help = "Draw queries across all cells of the judges' scores, kept or dropped; people audit them first."
    example = "manage.py draw_sample 300 --double 0.1"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("size", type=int, help=f"how many queries, {SMALLEST_SAMPLE} to {LARGEST_SAMPLE}")
        parser.add_argument("--seed", type=int, metavar="N", help="the same pool and seed draw the same queries")
        parser.add_argument("--double", type=float, default=DOUBLE, metavar="X", help="share that two people judge")

    def carry_out(self, **options: Any) -> Outcome:
        size, double = options["size"], options["double"]
        if not SMALLEST_SAMPLE <= size <= LARGEST_SAMPLE:
            raise BadInput(f"a sample of {size} is not possible; draw {SMALLEST_SAMPLE} to {LARGEST_SAMPLE} queries")
        if not 0 <= double <= 1:
            raise BadInput(f"--double {double} is no share; give a number from 0 to 1")
        seed = random.SystemRandom().randrange(2**31) if options["seed"] is None else options["seed"]
        try:
            sample, _ = draw_sample(size, seed=seed, by=None, door=Door.COMMAND, at=timezone.now(), double=double)
        except NotDrawn as reason:
            raise BadInput(str(reason)) from reason
        strata = sample.strata.count()
        said = f"{sample}: {sample.size} queries of {strata} strata, seed {seed}; they come first in the audit queue"
        return Outcome({"sample": sample.pk, "queries": sample.size, "strata": strata, "seed": seed}, [said])
