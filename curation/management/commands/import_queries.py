"""import_queries FILE… --source SLUG: take published query sets as they are."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.intake.batches import OnOpen
from curation.intake.forms import OnBytes
from curation.intake.importing import QueryLine, import_queries, preview_queries
from curation.intake.mapping import TARGETS, BadMapping, FieldMap, parsed_mapping
from curation.intake.previewing import Preview
from curation.intake.sources import AUTO, LAYOUTS
from curation.management.file_command import FileCommand
from curation.models import ImportBatch
from web.commands import BadInput, Outcome


class Command(FileCommand):
    help = "Import code queries with their answers. Layouts: " + ", ".join(LAYOUTS) + "."
    example = (
        "manage.py import_queries evol.json oss_instruct.jsonl.gz --source my-pool\n"
        "  manage.py import_queries answers.csv --source forum --map text=question,response=best.body,tags=topics"
    )

    def add_own_arguments(self, parser: CommandParser) -> None:
        super().add_own_arguments(parser)
        layout = parser.add_mutually_exclusive_group()
        layout.add_argument("--layout", default=AUTO, choices=[AUTO, *LAYOUTS], help="told from the fields by default")
        layout.add_argument(
            "--map",
            metavar="TARGET=FIELD,…",
            help="for any other layout: the fields that hold "
            + ", ".join(TARGETS)
            + "; dots lead into objects and, by number, lists. Tried on the first records and shown before it runs",
        )

    def carry_out(self, **options: Any) -> Outcome:
        how = {"layout": options["layout"], "mapping": _mapping(options["map"])}

        def import_one(path: Path, on_bytes: OnBytes, on_open: OnOpen) -> ImportBatch | None:
            return import_queries(
                path, source=options["source"], **how, by=None, door=Door.COMMAND, on_bytes=on_bytes, on_open=on_open
            )

        def try_one(path: Path) -> Preview[QueryLine]:
            return preview_queries(path, **how)

        return self.import_files(options["files"], import_one, try_one, guessed=options["map"] is not None)


def _mapping(line: str | None) -> FieldMap | None:
    try:
        return None if line is None else parsed_mapping(line)
    except BadMapping as bad:
        raise BadInput(f"--map: {bad}") from None
