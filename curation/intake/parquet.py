"""Read a Parquet file row by row, a few rows in memory at a time. Needs the extra `parquet`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from curation.intake.forms import GZIP_RATIO_LIMIT, GZIP_SMALL_BYTES, OnBytes, blocks_of, is_packed
from curation.intake.records import EXCERPT_LENGTH, RECORD_LIMIT, BrokenFile, Record, Refused, Unreadable, refused

ROWS_AT_ONCE = 50
READ_BYTES = 1 << 18
LACKING = (
    "a Parquet file, and the extra `parquet` is not installed; "
    "install it (pip install -e '.[parquet]') or write the file as JSON lines"
)


def parquet_records(path: Path, on_bytes: OnBytes | None = None) -> Iterator[Record | Refused]:
    """The rows in order; raises BrokenFile where the file cannot be read on."""
    if find_spec("pyarrow") is None:
        raise BrokenFile(LACKING)
    with _seekable(path) as file:
        yield from _rows(file, on_bytes, size=path.stat().st_size)


@contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """The file itself, or a copy without its gzip: Parquet is read from its end."""
    if not is_packed(path):
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as unpacked:
        unpacked.writelines(blocks_of(path))
        unpacked.seek(0)
        yield unpacked


def _rows(file: IO[bytes], on_bytes: OnBytes | None, *, size: int) -> Iterator[Record | Refused]:
    import pyarrow

    number = 0
    try:
        parquet = _opened(file)
        total = parquet.metadata.num_rows
        for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
            for value in _values(batch):
                number += 1
                yield _row(number, value)
            if on_bytes is not None:
                on_bytes(size * number // total)
    except (pyarrow.ArrowException, OSError) as error:
        raise BrokenFile(f"not a whole Parquet file after row {number} ({_first_line(error)}); get it again") from None


def _opened(file: IO[bytes]) -> Any:
    from pyarrow.parquet import ParquetFile

    # Without pre_buffer and with buffer_size a row group is read in pieces, however large its writer made it.
    parquet = ParquetFile(file, pre_buffer=False, buffer_size=READ_BYTES)
    groups = (parquet.metadata.row_group(number) for number in range(parquet.metadata.num_row_groups))
    columns = [group.column(place) for group in groups for place in range(group.num_columns)]
    unpacked = sum(column.total_uncompressed_size for column in columns)
    if unpacked > max(GZIP_SMALL_BYTES, GZIP_RATIO_LIMIT * sum(column.total_compressed_size for column in columns)):
        raise BrokenFile(f"unpacks to more than {GZIP_RATIO_LIMIT} times its size; if you trust it, unpack it first")
    return parquet


def _values(batch: Any) -> list[dict[str, Any]]:
    """The rows of a batch. A value that cannot be read spoils no other, since many columns are wanted by nobody."""
    columns = [_column(column) for column in batch.columns]
    return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _column(column: Any) -> list[Any]:
    import pyarrow

    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        what = "bytes that are not UTF-8"
    # Times beyond the year 9999 or between microseconds, unknown zones, two fields of one name.
    except (ValueError, ArithmeticError, LookupError, pyarrow.ArrowException) as error:
        what = f"a value that cannot be read, {_first_line(error)}"
    if len(column) == 1:
        return [Unreadable(what)]
    return [value for place in range(len(column)) for value in _column(column.slice(place, 1))]


def _row(number: int, value: dict[str, Any]) -> Record | Refused:
    raw = ", ".join(f"{name}: {_start(held)}" for name, held in value.items())
    length = sum(len(held) for held in value.values() if isinstance(held, str))
    if length > RECORD_LIMIT:
        return refused(number, f"longer than {RECORD_LIMIT:,} characters; cut the record down", raw)
    return Record(number, value, raw[:EXCERPT_LENGTH], length)


def _start(value: Any) -> str:
    return value[:EXCERPT_LENGTH] if isinstance(value, str) else repr(value)[:EXCERPT_LENGTH]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
