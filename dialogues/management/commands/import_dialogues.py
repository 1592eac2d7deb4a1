"""import_dialogues FILE… --source SLUG: take published dialogues into review."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.intake.batches import OnOpen
from curation.intake.forms import OnBytes
from curation.intake.previewing import Preview
from curation.intake.sources import AUTO
from curation.management.file_command import FileCommand
from curation.models import ImportBatch
from dialogues.importing_dialogues import LAYOUTS, DialogueLine, import_dialogues, preview_dialogues
from web.commands import Outcome


class Command(FileCommand):
    help = "Import dialogues into review. Layouts: " + ", ".join(LAYOUTS) + "."
    example = "manage.py import_dialogues code_feedback.jsonl --source code-feedback"

    def add_own_arguments(self, parser: CommandParser) -> None:
        super().add_own_arguments(parser)
        parser.add_argument("--layout", default=AUTO, choices=[AUTO, *LAYOUTS], help="told from the fields by default")
        parser.add_argument("--drop-system", action="store_true", help="leave a leading system message out")

    def carry_out(self, **options: Any) -> Outcome:
        def import_one(path: Path, on_bytes: OnBytes, on_open: OnOpen) -> ImportBatch | None:
            return import_dialogues(
                path,
                source=options["source"],
                layout=options["layout"],
                drop_system=options["drop_system"],
                by=None,
                door=Door.COMMAND,
                on_bytes=on_bytes,
                on_open=on_open,
            )

        def try_one(path: Path) -> Preview[DialogueLine]:
            return preview_dialogues(path, layout=options["layout"], drop_system=options["drop_system"])

        return self.import_files(options["files"], import_one, try_one)
