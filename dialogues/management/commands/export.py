"""Export approved dialogues to a file."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.models import Source
from dialogues.exporting import Choice, export_dialogues
from dialogues.layouts import LAYOUTS
from dialogues.models import Method
from web.commands import BadInput, Outcome, StudioCommand
from web.counts import counted


class Command(StudioCommand):
    help = "Write the approved dialogues to a file of JSON lines, each as it was approved, in order of its id."
    example = "manage.py export approved.jsonl --layout code_feedback"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="replaced only once it is whole")
        parser.add_argument(
            "--layout", choices=sorted(LAYOUTS), default="code_feedback", help="code_feedback by default"
        )
        parser.add_argument("--method", choices=Method.values, default="", help="only dialogues made this way")
        parser.add_argument("--source", metavar="SLUG", default="", help="only dialogues of this source")

    def carry_out(self, **options: Any) -> Outcome:
        choice = Choice(method=options["method"], source=options["source"])
        _check(options["file"], choice)
        total = choice.dialogues().count()
        export, refusals = export_dialogues(
            options["file"],
            layout=options["layout"],
            choice=choice,
            by=None,
            door=Door.COMMAND,
            watch=lambda found: self.progress(found, total=total, what="exporting"),
        )
        lines = [f"dialogue {pk} refused: {reason}" for pk, reason in refusals]
        lines.append(f"{options['file']}: {counted(export.dialogues, 'dialogue')}, {export.refused} refused")
        if not total:
            lines.append("nothing is approved yet that fits; review dialogues first")
        result = {
            "file": str(options["file"]),
            "dialogues": export.dialogues,
            "refused": export.refused,
            "sha256": export.sha256,
        }
        return Outcome(result, lines)


def _check(file: Path, choice: Choice) -> None:
    if file.is_dir():
        raise BadInput(f"{file} is a folder; name a file in it, for example {file / 'approved.jsonl'}")
    if not file.parent.is_dir():
        raise BadInput(f"{file}: there is no folder {file.parent}; make it with mkdir -p {file.parent}")
    if not os.access(file.parent, os.W_OK):
        raise BadInput(f"{file}: no right to write in {file.parent}; choose another folder")
    if choice.source and not Source.objects.filter(slug=choice.source).exists():
        known = ", ".join(Source.objects.values_list("slug", flat=True)) or "none yet"
        raise BadInput(f"--source {choice.source}: no such source; there are: {known}")
