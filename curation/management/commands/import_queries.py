"""import_queries FILE… --source SLUG: take published query sets as they are."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.forms import OnBytes
from curation.importing import import_queries
from curation.management.file_command import FileCommand
from curation.models import ImportBatch
from curation.sources import AUTO, LAYOUTS
from web.commands import Outcome


class Command(FileCommand):
    help = "Import code queries with their answers. Layouts: " + ", ".join(LAYOUTS) + "."
    example = "manage.py import_queries evol.json oss_instruct.jsonl.gz --source my-pool"

    def add_own_arguments(self, parser: CommandParser) -> None:
        super().add_own_arguments(parser)
        parser.add_argument("--layout", default=AUTO, choices=[AUTO, *LAYOUTS], help="told from the fields by default")

    def carry_out(self, **options: Any) -> Outcome:
        def import_one(path: Path, on_bytes: OnBytes) -> ImportBatch | None:
            return import_queries(
                path, source=options["source"], layout=options["layout"], by=None, door=Door.COMMAND, on_bytes=on_bytes
            )

        return self.import_files(options["files"], import_one)
