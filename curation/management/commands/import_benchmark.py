"""import_benchmark FILE --name NAME: bring in the tasks that training data must not hold."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.intake.batches import BadSource
from curation.intake.benchmarks import import_benchmark
from curation.intake.records import BrokenFile
from curation.intake.sources import UnknownLayout
from curation.management.file_command import COUNTS
from web.commands import BadInput, Outcome, StudioCommand

REASONS_SHOWN = 3


class Command(StudioCommand):
    help = "Import HumanEval or MBPP; check_contamination then sets aside queries that hold their tasks."
    example = "manage.py import_benchmark HumanEval.jsonl.gz --name humaneval"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--name", required=True, help="under which the tasks are kept; made when new")

    def carry_out(self, **options: Any) -> Outcome:
        path: Path = options["file"]
        if not path.is_file():
            raise BadInput(f"{path}: no such file")
        try:
            batch = import_benchmark(path, name=options["name"], by=None, door=Door.COMMAND)
        except BadSource as bad:
            raise BadInput(str(bad).replace("source", "benchmark", 1)) from None
        except (BrokenFile, UnknownLayout) as refusal:
            raise BadInput(f"{path.name}: {refusal}") from None
        counts = {name: getattr(batch, name, 0) for name in COUNTS}
        if batch is None:
            return Outcome({**counts, "benchmark": options["name"]}, [f"{path.name}: empty, nothing to import"])
        for one in batch.rejected_records.all()[:REASONS_SHOWN]:
            self.stderr.write(f"{path.name}, {one}")
        if batch.error:
            raise BadInput(f"{path.name}: {batch.error}")
        in_words = ", ".join(f"{count} {name}" for name, count in counts.items())
        return Outcome({**counts, "benchmark": options["name"]}, [f"{path.name}: {in_words}"])
