"""What the import commands share: several files, a line for each, totals, and progress by bytes read."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from curation.intake.batches import BadSource, OnOpen
from curation.intake.forms import OnBytes
from curation.intake.previewing import Preview
from curation.intake.records import BrokenFile
from curation.intake.sources import UnknownLayout
from curation.models import ImportBatch
from curation.texts import in_short, storable
from web.commands import BAD_INPUT, OK, BadInput, Outcome, StudioCommand

COUNTS = ("read", "accepted", "duplicates", "rejected")
REASONS_SHOWN = 3
SILENT_BYTES = 10_000_000  # smaller files are in before a line is read

ImportOne = Callable[[Path, OnBytes, OnOpen], ImportBatch | None]
TryOne = Callable[[Path], Preview[Any]]


class FileCommand(StudioCommand):
    """A command that imports the files named on its line."""

    def add_own_arguments(self, parser: CommandParser) -> None:
        forms = "JSON lines, array, CSV or Parquet; gzip too. An import goes on where it was stopped or killed"
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=forms)
        parser.add_argument("--source", required=True, metavar="SLUG", help="where the data comes from; made when new")

    def import_files(
        self, files: list[Path], import_one: ImportOne, try_one: TryOne, *, guessed: bool = False
    ) -> Outcome:
        """Import each file in turn; a file that cannot be read does not keep the others out.

        How a file would be read is shown first, on a terminal or when that was guessed by a person.
        """
        done = [self._import_file(path, import_one, try_one, guessed=guessed) for path in files]
        totals = {name: sum(one.get(name, 0) for one in done) for name in COUNTS}
        lines = [f"{one['file']}: {_in_words(one)}" for one in done]
        if len(done) > 1:
            lines.append(f"{len(done)} files: {_in_words(totals)}")
        failed = any(one.get("error") for one in done)
        return Outcome({**totals, "files": done}, lines, BAD_INPUT if failed else OK)

    def _import_file(self, path: Path, import_one: ImportOne, try_one: TryOne, *, guessed: bool) -> dict[str, Any]:
        if not path.is_file():
            raise BadInput(f"{path}: no such file")
        result: dict[str, Any] = {"file": storable(path.name), **dict.fromkeys(COUNTS, 0)}
        try:
            if guessed or self.stderr.isatty():
                preview = try_one(path)
                self._show(path, preview)
                if guessed and preview.takes_nothing:
                    return self._failed(result, "every record that was looked at is rejected; nothing is imported")
            with self._progress_of(path) as on_bytes:
                batch = import_one(path, on_bytes, partial(self._say_where, result))
        except BadSource as bad:
            raise BadInput(str(bad)) from None
        except (BrokenFile, UnknownLayout) as refusal:
            return self._failed(result, str(refusal))
        if batch is None:
            return {**result, "empty": True}
        result |= {"batch": batch.pk, "layout": batch.layout, **{name: getattr(batch, name) for name in COUNTS}}
        self._show_rejected(path, batch)
        return self._failed(result, batch.error) if batch.error else result

    def _show(self, path: Path, preview: Preview[Any]) -> None:
        """How the first records would be read; nothing of a file that holds none."""
        if preview.why_no_layout or not preview.looked_at:
            return
        records = "records" if preview.is_whole else "first records"
        counts = f"{preview.taken} would be taken, {preview.rejected_count} rejected"
        self.stderr.write(f"{path.name}: layout {preview.layout}; of the {preview.looked_at} {records} {counts}")
        self.stderr.write(f"  fields: {', '.join(map(in_short, preview.fields))}")
        for row in preview.rows:
            self.stderr.write(f"  {row}")
        for one in preview.rejected:
            self.stderr.write(f"  {preview.unit} {one.line}: {one.reason}")

    def _say_where(self, result: dict[str, Any], batch: ImportBatch) -> None:
        """An import that was stopped or killed goes on, and says from where."""
        if batch.read:
            result["goes_on_after"] = batch.read
            self.stderr.write(f"{result['file']}: goes on after record {batch.read} (import batch {batch.pk})")

    def _failed(self, result: dict[str, Any], error: str) -> dict[str, Any]:
        taken = f"; the {result['read']} records before it were read" if result["read"] else ""
        self.stderr.write(f"{result['file']}: {error}{taken}")
        return {**result, "error": error}

    def _show_rejected(self, path: Path, batch: ImportBatch) -> None:
        for one in batch.rejected_records.all()[:REASONS_SHOWN]:
            self.stderr.write(f"{path.name}, {one}")
        if batch.rejected > REASONS_SHOWN:
            self.stderr.write(
                f"{path.name}: {batch.rejected - REASONS_SHOWN} more rejected, see import batch {batch.pk}"
            )

    @contextmanager
    def _progress_of(self, path: Path) -> Iterator[OnBytes]:
        """A bar on a terminal, otherwise a plain line at every tenth of the file."""
        total = path.stat().st_size
        if self.stderr.isatty():
            with tqdm(total=total, desc=path.name, unit="B", unit_scale=True, file=sys.stderr, leave=False) as bar:

                def move_bar(position: int) -> None:
                    bar.update(position - bar.n)

                yield move_bar
            return
        shown = 0

        def say_tenth(position: int) -> None:
            nonlocal shown
            tenth = position * 10 // max(total, 1)
            if total >= SILENT_BYTES and shown < tenth < 10:
                shown = tenth
                self.stderr.write(f"{path.name}: {tenth * 10} % read")

        yield say_tenth


def _in_words(counts: dict[str, Any]) -> str:
    if counts.get("empty"):
        return "empty, nothing to import"
    words = {"duplicates": "duplicate"} if counts["duplicates"] == 1 else {}
    return ", ".join(f"{counts[name]} {words.get(name, name)}" for name in COUNTS)
