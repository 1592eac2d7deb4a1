"""The form of a file, told by its first bytes and never by its name, and its bytes unpacked block by block."""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from curation.intake.records import DECODER, RECORD_LIMIT, BrokenFile

BLOCK_BYTES = 1 << 18
PARQUET_MAGIC = b"PAR1"
BOM = b"\xef\xbb\xbf"
# Text shrinks by a factor of 3 to 20; only a file made to do harm shrinks by hundreds.
GZIP_RATIO_LIMIT, GZIP_SMALL_BYTES = 200, 16_000_000
OTHER_FORMS = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"BZh": "packed with bzip2; unpack it first",
    b"\xfd7zXZ": "packed with xz; unpack it first",
    b"(\xb5/\xfd": "packed with zstd; unpack it first",
    b"%PDF": "a PDF, which holds no records",
}

# A longer one is a sentence, and braces or quotes in it are those of a record that lost its beginning.
COLUMN_NAME_LENGTH, NO_COLUMN_NAME = 200, re.compile(r'[{}"]')
RECORD_NEXT, RECORD_LATER = re.compile(rb'\s*\{\s*"'), re.compile(rb"^[ \t]*\{", re.MULTILINE)

OnBytes = Callable[[int], None]

csv.field_size_limit(RECORD_LIMIT)  # 131,072 characters by default; it holds for all readers of the process


class Form(Enum):
    JSON_LINES = "json lines"
    ARRAY = "array"
    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"
    PARQUET = "parquet"

    @property
    def unit(self) -> str:
        """What its records are numbered by: lines, where each has one of its own, else the records themselves."""
        return "line" if self is Form.JSON_LINES else "record"


def form_of(path: Path) -> Form:
    """How the records stand in this file; raises BrokenFile when it is not text in UTF-8."""
    head = next(blocks_of(path), b"")
    text = head.removeprefix(BOM).lstrip()
    if head.startswith(PARQUET_MAGIC):
        return Form.PARQUET
    _check_is_text(head, text)
    if text.startswith(b"["):
        return Form.ARRAY
    if text.startswith(b"{"):
        _check_is_on_lines(text)
        return Form.JSON_LINES
    return _form_of_other(text) if text else Form.JSON_LINES


def blocks_of(path: Path, on_bytes: OnBytes | None = None) -> Iterator[bytes]:
    """The file's bytes, unpacked when they are gzip; `on_bytes` hears how many bytes of the file were read."""
    with path.open("rb") as file:
        for block in _unpacked(gzip.GzipFile(fileobj=file), file.tell) if is_packed(path) else _plain(file.read):
            yield block
            if on_bytes is not None:
                on_bytes(file.tell())


def is_packed(path: Path) -> bool:
    """Whether the file is gzip."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _plain(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while block := read(BLOCK_BYTES):
        yield block


def _unpacked(file: gzip.GzipFile, packed_bytes: Callable[[], int]) -> Iterator[bytes]:
    unpacked_bytes = 0
    while block := _unpack(file):
        unpacked_bytes += len(block)
        if unpacked_bytes > max(GZIP_SMALL_BYTES, GZIP_RATIO_LIMIT * packed_bytes()):
            raise BrokenFile(
                f"unpacks to more than {GZIP_RATIO_LIMIT} times its size; if you trust it, unpack it first"
            )
        yield block


def _unpack(file: gzip.GzipFile) -> bytes:
    try:
        return file.read1(BLOCK_BYTES)  # unlike read, gives what came before the broken end
    except EOFError:
        raise BrokenFile("gzip ended early, the file is cut off; get it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BrokenFile(f"gzip is damaged ({error}); get the file again") from None


def _check_is_text(head: bytes, text: bytes) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\x00" in text[:2] and len(text) > 1):
        raise BrokenFile("text in UTF-16 or UTF-32; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)")
    for start, what in OTHER_FORMS.items():
        if head.startswith(start):
            raise BrokenFile(what)
    if text and not text[:4].decode("utf-8", "surrogateescape")[0].isprintable():
        raise BrokenFile(
            f"not text in UTF-8 (its first byte is 0x{text[0]:02x}); convert it, or give JSON lines, an array or CSV"
        )


def _check_is_on_lines(text: bytes) -> None:
    """Refuse one object that goes over several lines: line by line, all or nearly all of it would be rejected."""
    lines = text[: text.rfind(b"\n") + 1].decode("utf-8", "replace")
    try:
        _, end = DECODER.raw_decode(lines)
    except json.JSONDecodeError as error:
        end = error.pos if error.pos >= len(lines.rstrip()) else 0  # it goes on in what was not looked at
    except (ValueError, RecursionError):
        return
    if "\n" in lines[:end]:
        raise BrokenFile("one JSON object over several lines; put each record on a line of its own, or give an array")


def _form_of_other(text: bytes) -> Form:
    """Of text that begins neither with an object nor with an array: CSV, or JSON lines of which the first is bad."""
    line, _, rest = text.partition(b"\n")
    if b"\r" in line.strip() and not rest.strip():
        raise BrokenFile("its lines end with carriage returns alone; save it with line feeds")
    first_line = line.decode("utf-8", "surrogateescape").strip()
    if not RECORD_NEXT.match(rest) and (delimiter := _delimiter(first_line)):
        return delimiter
    if RECORD_LATER.search(rest):
        return Form.JSON_LINES
    raise BrokenFile(
        f"its first line {first_line[:60]!r} is neither a JSON object nor a header of two or more different columns "
        "(comma, semicolon or tab between them); give JSON lines, a JSON array or CSV"
    )


def _delimiter(first_line: str) -> Form | None:
    """The delimiter under which the first line reads as a header: two or more distinct names."""
    names = {form: _names(first_line, form.value) for form in (Form.TAB, Form.SEMICOLON, Form.COMMA)}
    best = max(names, key=lambda form: len(names[form]))
    return best if len(names[best]) > 1 and all(_is_name(name) for name in names[best]) else None


def _names(line: str, delimiter: str) -> set[str]:
    """The names of such a header; none where they are not distinct. Columns without a name are not counted."""
    try:
        names = [name for cell in next(csv.reader([line], delimiter=delimiter), []) if (name := cell.strip())]
    except csv.Error:  # a carriage return in the middle: no header
        return set()
    return set(names) if len(set(names)) == len(names) else set()


def _is_name(text: str) -> bool:
    return len(text) <= COLUMN_NAME_LENGTH and not NO_COLUMN_NAME.search(text)
