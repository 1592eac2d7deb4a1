"""import_problems FILE… --source SLUG: take published problem sets as they are."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.intake.batches import OnOpen
from curation.intake.forms import OnBytes
from curation.intake.previewing import Preview
from curation.intake.problem_sources import LAYOUTS
from curation.intake.problems import ProblemLine, import_problems, preview_problems
from curation.intake.sources import AUTO
from curation.management.file_command import FileCommand
from curation.models import ImportBatch
from web.commands import Outcome


class Command(FileCommand):
    help = "Import problems with tests and solutions. Layouts: " + ", ".join(LAYOUTS) + "."
    example = "manage.py import_problems LeetCodeDataset.jsonl.gz --source leetcode"

    def add_own_arguments(self, parser: CommandParser) -> None:
        super().add_own_arguments(parser)
        parser.add_argument("--layout", default=AUTO, choices=[AUTO, *LAYOUTS], help="told from the fields by default")

    def carry_out(self, **options: Any) -> Outcome:
        def import_one(path: Path, on_bytes: OnBytes, on_open: OnOpen) -> ImportBatch | None:
            return import_problems(
                path,
                source=options["source"],
                layout=options["layout"],
                by=None,
                door=Door.COMMAND,
                on_bytes=on_bytes,
                on_open=on_open,
            )

        def try_one(path: Path) -> Preview[ProblemLine]:
            return preview_problems(path, layout=options["layout"])

        return self.import_files(options["files"], import_one, try_one)
