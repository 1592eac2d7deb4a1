"""import_benchmark FILE --name NAME: bring in the tasks that training data must not hold."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.benchmarks import BadBenchmark, import_benchmark
from curation.records import BrokenFile
from curation.sources import UnknownLayout
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
            taken = import_benchmark(path, name=options["name"], by=None, door=Door.COMMAND)
        except BadBenchmark as bad:
            raise BadInput(str(bad)) from None
        except (BrokenFile, UnknownLayout) as refusal:
            raise BadInput(f"{path.name}: {refusal}") from None
        if taken is None:
            empty = dict.fromkeys(("read", "accepted", "duplicates", "rejected"), 0)
            return Outcome({**empty, "benchmark": options["name"]}, [f"{path.name}: empty, nothing to import"])
        for one in taken.rejected[:REASONS_SHOWN]:
            self.stderr.write(f"{path.name}, line {one.line}: {one.reason}")
        counts = {
            "read": taken.read,
            "accepted": taken.accepted,
            "duplicates": taken.duplicates,
            "rejected": len(taken.rejected),
        }
        in_words = ", ".join(f"{count} {name}" for name, count in counts.items())
        return Outcome({**counts, "benchmark": taken.benchmark.name}, [f"{path.name}: {in_words}"])
