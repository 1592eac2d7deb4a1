"""Import queries: find the layout of a file, keep each distinct text once, and every sighting of it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import Door, User
from curation.inserting import as_stored, insert_rows, listed, reserve_keys
from curation.intake.batches import Intake, OnOpen, import_file
from curation.intake.forms import OnBytes
from curation.intake.languages import language_of
from curation.intake.mapping import MAPPED, FieldMap, checked_mapping, layout_of
from curation.intake.previewing import Preview, preview_file, sample_of
from curation.intake.records import BadRecord, Record
from curation.intake.sources import AUTO, LAYOUTS, Layout, UnknownLayout, detect
from curation.models import ImportBatch, Query, Sighting
from curation.texts import in_short, storable, text_hash


@dataclass(frozen=True, slots=True)
class QueryLine:
    """One readable record, ready to be stored."""

    line: int
    text: str
    text_hash: str
    response: str
    language: str
    external_id: str
    tags: list[str]

    def __str__(self) -> str:
        return f"{self.language or 'unknown language'}: {in_short(self.text)} → {in_short(self.response)}"


def import_queries(
    path: Path,
    *,
    source: str,
    layout: str = AUTO,
    mapping: FieldMap | None = None,
    by: User | None,
    door: Door = Door.PAGE,
    on_bytes: OnBytes | None = None,
    on_open: OnOpen | None = None,
) -> ImportBatch | None:
    """Import one file of queries, read by its layout or by a mapping; None when it holds no record at all."""
    sample = sample_of(path)
    if sample is None:
        return None
    intake = query_intake(sample.values, layout=layout, mapping=mapping)
    return import_file(path, intake, source=source, by=by, door=door, on_bytes=on_bytes, on_open=on_open)


def preview_queries(path: Path, *, layout: str = AUTO, mapping: FieldMap | None = None) -> Preview[QueryLine]:
    """What the same import would make of the first records."""
    return preview_file(path, lambda values: query_intake(values, layout=layout, mapping=mapping))


def query_intake(values: list[Any], *, layout: str, mapping: FieldMap | None) -> Intake[QueryLine]:
    """How a file with such first records is read; raises UnknownLayout or BadMapping."""
    name = MAPPED if mapping else detect(values) if layout == AUTO else layout
    if not mapping and name not in LAYOUTS:
        raise UnknownLayout(f"there is no layout {name!r}; choose from {', '.join([AUTO, *LAYOUTS])}")
    chosen = layout_of(checked_mapping(mapping)) if mapping else LAYOUTS[name]
    return Intake(
        ImportBatch.Holds.QUERIES,
        name,
        read=lambda record: read_query(record, chosen),
        store=store_queries,
        mapping=mapping or {},
    )


def read_query(record: Record, layout: Layout) -> QueryLine:
    """One record as its layout has it; raises BadRecord."""
    if not isinstance(record.value, dict):
        raise BadRecord("not a JSON object; give one object with named fields per record")
    found = layout.read(record.value)
    text, response = storable(found.text), storable(found.response)
    return QueryLine(
        line=record.line,
        text=text,
        text_hash=text_hash(text),
        response=response,
        language=language_of(found.language, response),
        external_id=storable(found.external_id),
        tags=[storable(tag) for tag in found.tags],
    )


def store_queries(batch: ImportBatch, lines: list[QueryLine]) -> int:
    """Store the queries that are new and a sighting of every line; how many were new."""
    first_lines: dict[str, QueryLine] = {}
    for line in lines:
        first_lines.setdefault(line.text_hash, line)
    known = _stored(list(first_lines))
    new = [line for text_hash, line in first_lines.items() if text_hash not in known]
    keys, now = reserve_keys(Query, len(new)), as_stored(timezone.now())
    rows = [_query_row(batch, line, key, now) for line, key in zip(new, keys, strict=True)]
    insert_rows(Query, QUERY_COLUMNS, rows)
    first = {id(line) for line in new}
    known |= {line.text_hash: (key, line.response) for line, key in zip(new, keys, strict=True)}
    seen = [_sighting_row(batch, line, *known[line.text_hash], repeats=id(line) not in first) for line in lines]
    insert_rows(Sighting, SIGHTING_COLUMNS, seen)
    return len(new)


def _stored(hashes: list[str]) -> dict[str, tuple[int, str]]:
    """Key and response of the queries that have one of these hashes."""
    rows = Query.objects.filter(text_hash__in=listed(hashes)).values_list("text_hash", "pk", "response")
    return {text_hash: (pk, response) for text_hash, pk, response in rows}


QUERY_COLUMNS = ("id", "text", "response", "language", "tags", "text_hash", "source_id", "batch_id", "created_at")


def _query_row(batch: ImportBatch, line: QueryLine, key: int, now: str) -> tuple[Any, ...]:
    tags = json.dumps(line.tags) if line.tags else "[]"
    return key, line.text, line.response, line.language, tags, line.text_hash, batch.source_id, batch.pk, now


SIGHTING_COLUMNS = ("query_id", "batch_id", "line", "repeats", "external_id", "response_hash", "response")


def _sighting_row(
    batch: ImportBatch, line: QueryLine, query_id: int, first_response: str, *, repeats: bool
) -> tuple[Any, ...]:
    response_hash = hashlib.sha256(line.response.encode()).hexdigest()
    other_response = None if line.response == first_response else line.response
    return query_id, batch.pk, line.line, repeats, line.external_id, response_hash, other_response
