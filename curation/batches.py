"""Take one file into one ImportBatch, chunk by chunk: rows, rejected records and counts in the same transaction."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.actions import record
from accounts.models import Door, User
from curation.forms import OnBytes
from curation.models import ImportBatch, RejectedRecord, Source
from curation.reading import read_records
from curation.records import BadRecord, BrokenFile, Record, Refused, refused
from curation.texts import storable

Item = TypeVar("Item")

CHUNK_CHARACTERS = 8_000_000


class BadSource(ValueError):
    """The slug of a source is not one."""


@dataclass(frozen=True, slots=True)
class Intake(Generic[Item]):
    """What a kind of file turns into: `read` one record outside the database, `store` many inside a transaction.

    `read` raises BadRecord; `store` says how many of the items were new.
    """

    holds: ImportBatch.Holds
    layout: str
    read: Callable[[Record], Item]
    store: Callable[[ImportBatch, list[Item]], int]
    chunk_records: int = 500


def import_file(
    path: Path,
    intake: Intake[Item],
    *,
    source: str,
    by: User | None,
    door: Door = Door.PAGE,
    on_bytes: OnBytes | None = None,
) -> ImportBatch:
    """Import one file; a batch whose file breaks off ends as failed, with what was read before in and counted."""
    batch = _open_batch(path, intake, source=source, by=by)
    try:
        for chunk in _chunks(read_records(path, on_bytes), intake.chunk_records):
            _take(batch, intake, chunk)
    except BrokenFile as broken:
        return _close_batch(batch, door=door, error=str(broken))
    except BaseException as failure:
        _close_batch(batch, door=door, error=f"stopped by {type(failure).__name__}: {failure}")
        raise
    return _close_batch(batch, door=door)


def _open_batch(path: Path, intake: Intake[Item], *, source: str, by: User | None) -> ImportBatch:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return ImportBatch.objects.create(
        source=source_named(source),
        holds=intake.holds,
        file_name=storable(path.name)[:255],
        sha256=sha256,
        layout=intake.layout,
        by=by,
    )


def source_named(slug: str) -> Source:
    """The source of that slug, made when it is new."""
    try:
        validate_slug(slug)
    except ValidationError:
        raise BadSource(f"source {slug!r}: use letters, digits, - and _ only") from None
    if len(slug) > 64:
        raise BadSource(f"source {slug[:20]!r}… has {len(slug)} characters, the limit is 64")
    return Source.objects.get_or_create(slug=slug)[0]


def _close_batch(batch: ImportBatch, *, door: Door, error: str = "") -> ImportBatch:
    with transaction.atomic():
        state = ImportBatch.State.FAILED if error else ImportBatch.State.DONE
        ImportBatch.objects.filter(pk=batch.pk).update(state=state, error=storable(error), finished_at=timezone.now())
        record(f"import {batch.holds}", [], by=batch.by, door=door, note=f"{batch.file_name} into {batch.source}")
    batch.refresh_from_db()
    return batch


def _chunks(records: Iterable[Record | Refused], most: int) -> Iterator[list[Record | Refused]]:
    chunk: list[Record | Refused] = []
    characters = 0
    try:
        for found in records:
            chunk.append(found)
            characters += found.length if isinstance(found, Record) else 0
            if len(chunk) == most or characters > CHUNK_CHARACTERS:
                yield chunk
                chunk, characters = [], 0
    except BrokenFile:
        yield chunk  # what stood before the break
        raise
    yield chunk


def _take(batch: ImportBatch, intake: Intake[Item], chunk: list[Record | Refused]) -> None:
    items: list[Item] = []
    rejected: list[Refused] = []
    for found in chunk:
        if isinstance(found, Refused):
            rejected.append(found)
            continue
        try:
            items.append(intake.read(found))
        except BadRecord as bad:
            rejected.append(refused(found.line, str(bad), found.excerpt))
    with transaction.atomic():
        accepted = intake.store(batch, items) if items else 0
        RejectedRecord.objects.bulk_create([_rejected_record(batch, one) for one in rejected])
        _count(batch, read=len(chunk), accepted=accepted, rejected=len(rejected))


def _rejected_record(batch: ImportBatch, one: Refused) -> RejectedRecord:
    return RejectedRecord(
        batch=batch, line=one.line, reason=storable(one.reason)[:300], excerpt=storable(one.excerpt)[:300]
    )


def _count(batch: ImportBatch, *, read: int, accepted: int, rejected: int) -> None:
    ImportBatch.objects.filter(pk=batch.pk).update(
        read=F("read") + read,
        accepted=F("accepted") + accepted,
        rejected=F("rejected") + rejected,
        duplicates=F("duplicates") + (read - accepted - rejected),
    )
