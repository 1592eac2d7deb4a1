"""The rejected records of an import as a file to take home: CSV that no spreadsheet calculates with, or JSON lines."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

from curation.models import ImportBatch, RejectedRecord

BLOCK = 500
NAMES = ("line", "reason", "excerpt")
# What a spreadsheet takes for the beginning of a formula, in plain and in full width.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MARK_OF_UTF8 = "\ufeff"  # without it some spreadsheets read the file as Latin-1


def csv_of(batch: ImportBatch) -> Iterator[str]:
    """The lines of a CSV file, block by block."""
    yield MARK_OF_UTF8 + _lines([NAMES])
    for block in _blocks(batch):
        yield _lines([tuple(_inert(value) for value in row) for row in block])


def json_lines_of(batch: ImportBatch) -> Iterator[str]:
    """One JSON object a line, texts exactly as they stand."""
    for block in _blocks(batch):
        yield "".join(json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=True) + "\n" for row in block)


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS) else value


def _lines(rows: list[tuple[Any, ...]]) -> str:
    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    return text.getvalue()


def _blocks(batch: ImportBatch) -> Iterator[list[tuple[Any, ...]]]:
    """By key in blocks, so that no cursor stays open while a browser is slow."""
    last, rows = 0, RejectedRecord.objects.filter(batch=batch).order_by("pk")
    while block := list(rows.filter(pk__gt=last).values_list("pk", *NAMES)[:BLOCK]):
        yield [row[1:] for row in block]
        last = block[-1][0]
