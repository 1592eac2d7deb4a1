"""Look at the first records of a file before its import: fields, layout, what would be taken and what not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import dropwhile, islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from curation.intake.batches import Intake, read_all
from curation.intake.fields import kind_of
from curation.intake.forms import form_of
from curation.intake.reading import read_records
from curation.intake.records import BrokenFile, Record, Refused
from curation.intake.sources import UnknownLayout
from curation.texts import storable

Item = TypeVar("Item")
Numbered = tuple[int, Record | Refused]

SAMPLE_RECORDS = 100
LOOKED_THROUGH = 100_000  # records that cannot be read, about a second; a page waits for them
SAMPLE_CHARACTERS = 20_000_000  # a page shows it, and its process keeps it in memory
ROWS_SHOWN, REASONS_SHOWN, FIELDS_SHOWN = 5, 5, 40
FIELD_DEPTH = 3
VALUE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Sample:
    """The first records of a file; `broken` says where it broke off, `is_whole` whether nothing follows.

    Where none of them can be read, the first that can stands behind them, with those that follow it; `passed_over` are
    the records between.
    """

    found: list[Record | Refused]
    broken: str
    is_whole: bool
    passed_over: int = 0

    @property
    def values(self) -> list[Any]:
        """What the records show of the layout: their values, or the names alone where only those are known."""
        known = filter(_shows_fields, self.found)
        return [one.value if isinstance(one, Record) else dict.fromkeys(one.names) for one in known]


@dataclass(frozen=True, slots=True)
class Preview(Generic[Item]):
    """What an import would make of a file, judged by its first records."""

    layout: str = ""
    why_no_layout: str = ""
    fields: dict[str, str] = field(default_factory=dict)  # name, dots for nested ones → its first value, cut short
    rows: list[Item] = field(default_factory=list)  # the first records as they would be stored
    taken: int = 0
    rejected: list[Refused] = field(default_factory=list)  # the first of them
    rejected_count: int = 0
    is_whole: bool = True
    unit: str = "line"  # what the records are numbered by

    @property
    def looked_at(self) -> int:
        return self.taken + self.rejected_count

    @property
    def takes_nothing(self) -> bool:
        """Whether there are records and every one that was looked at would be rejected."""
        return self.taken == 0 < self.rejected_count


def sample_of(path: Path) -> Sample | None:
    """The first records of a file; None when it holds none, BrokenFile when none can be read."""
    found: list[Record | Refused] = []
    broken, is_whole = "", True
    characters = passed = 0
    records = enumerate(read_records(path), start=1)
    try:
        for number, one in _sampled(records):
            found.append(one)
            passed = number
            characters += one.length if isinstance(one, Record) else 0
            if characters > SAMPLE_CHARACTERS:
                break
        is_whole = characters <= SAMPLE_CHARACTERS and next(records, None) is None
    except BrokenFile as break_off:
        broken = str(break_off)
    sample = Sample(found, broken, is_whole, passed_over=passed - len(found))
    if not sample.values and broken:
        raise BrokenFile(broken)
    if not sample.values and found:
        records_seen = "records" if is_whole else f"first {LOOKED_THROUGH:,} records"
        raise BrokenFile(f"none of its {records_seen} can be read; {form_of(path).unit} {_first_reason(found)}")
    return sample if found else None


def _sampled(records: Iterator[Numbered]) -> Iterator[Numbered]:
    is_readable = False
    for number, one in islice(records, SAMPLE_RECORDS):
        is_readable = is_readable or _shows_fields(one)
        yield number, one
    if not is_readable:
        readable = dropwhile(lambda numbered: not _shows_fields(numbered[1]), islice(records, LOOKED_THROUGH))
        yield from islice(readable, SAMPLE_RECORDS)


def _shows_fields(one: Record | Refused) -> bool:
    return isinstance(one, Record) or bool(one.names)


def _first_reason(found: list[Record | Refused]) -> str:
    return next(f"{one.line}: {one.reason}" for one in found if isinstance(one, Refused))


def preview_file(path: Path, choose: Callable[[list[Any]], Intake[Item]]) -> Preview[Item]:
    """Try an import on the first records; `choose` gives the intake for them or raises UnknownLayout."""
    sample = sample_of(path)
    if sample is None:
        return Preview()
    fields = fields_of(sample.values)
    try:
        intake = choose(sample.values)
    except UnknownLayout as unknown:
        return Preview(why_no_layout=str(unknown), fields=fields, is_whole=sample.is_whole)
    rows, rejected = read_all(intake, sample.found)
    return Preview(
        layout=intake.layout,
        fields=fields,
        rows=rows[:ROWS_SHOWN],
        taken=len(rows),
        rejected=rejected[:REASONS_SHOWN],
        rejected_count=sample.passed_over + len(rejected),
        is_whole=sample.is_whole,
        unit=form_of(path).unit,
    )


def fields_of(values: list[Any]) -> dict[str, str]:
    """The names of the fields, dots leading into objects, each with the first value that is seen of it."""
    fields: dict[str, str] = {}
    for value in values:
        if isinstance(value, dict):
            for name, held in _named(value, FIELD_DEPTH):
                fields[name] = fields.get(name) or _shown(held)
    return dict(islice(fields.items(), FIELDS_SHOWN))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"({kind_of(value)})" if isinstance(value, dict | list) else storable(str(value)[:VALUE_LENGTH])


def _named(record: dict[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        name = storable(str(key))
        if isinstance(value, dict) and value and depth > 1:
            yield from ((f"{name}.{inner}", held) for inner, held in _named(value, depth - 1))
        else:
            yield name, value
