"""The form of a file, told by its first bytes and never by its name, and its bytes unpacked block by block."""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from curation.intake.records import RECORD_LIMIT, BrokenFile

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

OnBytes = Callable[[int], None]

csv.field_size_limit(RECORD_LIMIT)  # 131,072 characters by default; it holds for all readers of the process


class Form(Enum):
    JSON_LINES = "json lines"
    ARRAY = "array"
    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"
    PARQUET = "parquet"


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
        return Form.JSON_LINES
    _check_has_line_feeds(text)
    return _delimiter(text.partition(b"\n")[0]) or Form.JSON_LINES


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
    if text and not 0x20 <= text[0] < 0x7F:
        raise BrokenFile(f"not text (its first byte is 0x{text[0]:02x}); give JSON lines, a JSON array or CSV")


def _check_has_line_feeds(text: bytes) -> None:
    if b"\r" in text.strip() and b"\n" not in text.strip():
        raise BrokenFile("its lines end with carriage returns alone; save it with line feeds")


def _delimiter(first_line: bytes) -> Form | None:
    """The delimiter under which the first line reads as a header: two or more distinct names."""
    line = first_line.decode("utf-8", "replace").rstrip("\r")
    for form in (Form.COMMA, Form.SEMICOLON, Form.TAB):
        names = _cells(line, form.value)
        if len(names) > 1 and len(set(names)) == len(names) and all(_is_name(name) for name in names):
            return form
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a carriage return in the middle: no header
        return []


def _is_name(text: str) -> bool:
    return text.strip().replace("_", "a").replace("-", "a").replace(" ", "a").isalnum()
