"""Look at the first records of a file before its import: fields, layout, what would be taken and what not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
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

SAMPLE_RECORDS = 100
SAMPLE_CHARACTERS = 20_000_000  # a page shows it, and its process keeps it in memory
ROWS_SHOWN, REASONS_SHOWN, FIELDS_SHOWN = 5, 5, 40
FIELD_DEPTH = 3
VALUE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Sample:
    """The first records of a file; `broken` says where it broke off, `is_whole` whether nothing follows."""

    found: list[Record | Refused]
    broken: str
    is_whole: bool

    @property
    def values(self) -> list[Any]:
        """What the records show of the layout: their values, or the names alone where only those are known."""
        known = (one for one in self.found if isinstance(one, Record) or one.names)
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
    broken = ""
    characters = 0
    try:
        for one in islice(read_records(path), SAMPLE_RECORDS + 1):
            found.append(one)
            characters += one.length if isinstance(one, Record) else 0
            if characters > SAMPLE_CHARACTERS:
                break
    except BrokenFile as break_off:
        broken = str(break_off)
    sample = Sample(
        found[:SAMPLE_RECORDS], broken, is_whole=len(found) <= SAMPLE_RECORDS and characters <= SAMPLE_CHARACTERS
    )
    if not sample.values and broken:
        raise BrokenFile(broken)
    if not sample.values and found:
        raise BrokenFile(f"none of its first records can be read; {form_of(path).unit} {_first_reason(found)}")
    return sample if found else None


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
        rejected_count=len(rejected),
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
