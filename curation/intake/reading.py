"""Read the records of a file of any size, few in memory at a time: JSON lines, array, CSV or Parquet, plain or gzip."""

import csv
from collections.abc import Iterator
from pathlib import Path

from curation.intake.arrays import array_records, undecodable_byte
from curation.intake.forms import BOM, Form, OnBytes, blocks_of, form_of
from curation.intake.parquet import parquet_records
from curation.intake.records import (
    DECODER,
    RECORD_LIMIT,
    BrokenFile,
    Record,
    Refused,
    record_of,
    refused,
    why_not_json,
    why_not_utf8,
)


def read_records(path: Path, on_bytes: OnBytes | None = None) -> Iterator[Record | Refused]:
    """Every record in order; raises BrokenFile at the point from which the file cannot be read."""
    form = form_of(path)
    if form is Form.PARQUET:
        return parquet_records(path, on_bytes)
    blocks = blocks_of(path, on_bytes)
    if form is Form.ARRAY:
        return array_records(blocks)
    if form is Form.JSON_LINES:
        return _json_lines(blocks)
    return _csv_rows(blocks, form.value)


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes | None]:
    """Lines, split on LF alone because strings may hold U+2028; None for a line above the limit."""
    pieces: list[bytes] = []
    length = 0
    for block in blocks:
        first, *others = block.split(b"\n")
        pieces.append(first)
        length += len(first)
        for piece in others:
            yield None if length > RECORD_LIMIT else b"".join(pieces)
            pieces, length = [piece], len(piece)
        if length > RECORD_LIMIT:
            pieces = []
    if length:
        yield None if length > RECORD_LIMIT else b"".join(pieces)


def _json_lines(blocks: Iterator[bytes]) -> Iterator[Record | Refused]:
    for number, raw in enumerate(_lines(blocks), start=1):
        if raw is None:
            yield refused(number, f"longer than {RECORD_LIMIT:,} bytes; cut the record down")
            continue
        line = raw.removeprefix(BOM) if number == 1 else raw
        if line and not line.isspace():
            yield _json_line(number, line)


def _json_line(number: int, line: bytes) -> Record | Refused:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return refused(number, why_not_utf8(line[error.start]), line.decode("utf-8", "replace"))
    try:
        return record_of(number, DECODER.decode(text), text)
    except RecursionError:
        return refused(number, "nested too deeply; flatten the record", text)
    except ValueError as error:
        return refused(number, why_not_json(error), text)


def _csv_rows(blocks: Iterator[bytes], delimiter: str) -> Iterator[Record | Refused]:
    rows = _filled_rows(csv.reader(_text_lines(blocks), delimiter=delimiter, strict=True))
    header = _checked_header(next(rows, []))
    for number, row in enumerate(rows, start=1):
        yield _csv_row(number, row, header, delimiter)


def _filled_rows(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The header and the records, without blank lines."""
    number = 0
    try:
        for row in rows:
            if row:
                yield row
                number += 1
    except csv.Error as error:
        what = f"record {number}" if number else "the header"
        raise BrokenFile(f"{what} is not CSV ({error}); check its quotes and delimiters") from None


def _checked_header(row: list[str]) -> list[str]:
    """The names of the columns; one may have none."""
    if (byte := undecodable_byte("".join(row))) is not None:
        raise BrokenFile(f"in the header, {why_not_utf8(byte)}")
    return [name.strip() for name in row]


def _csv_row(number: int, row: list[str], header: list[str], delimiter: str) -> Record | Refused:
    raw = delimiter.join(row)
    if (byte := undecodable_byte(raw)) is not None:
        return refused(number, why_not_utf8(byte), raw)
    if len(row) != len(header):
        return refused(number, f"{len(row)} columns where the header names {len(header)}; mend its quotes", raw, header)
    return record_of(number, {name: value for name, value in zip(header, row, strict=True) if name}, raw)


def _text_lines(blocks: Iterator[bytes]) -> Iterator[str]:
    for number, line in enumerate(_lines(blocks), start=1):
        if line is None:
            raise BrokenFile(f"line {number} is longer than {RECORD_LIMIT:,} bytes; cut it down")
        text = line.removeprefix(BOM) if number == 1 else line
        yield text.decode("utf-8", "surrogateescape") + "\n"
