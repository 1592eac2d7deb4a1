"""Take one file into one ImportBatch, chunk by chunk: rows, rejected records and counts in the same transaction."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.actions import record
from accounts.models import Door, User
from curation.inserting import insert_rows, take_turn
from curation.intake.forms import OnBytes, form_of
from curation.intake.opening import Reading, opened_batch
from curation.intake.reading import read_records
from curation.intake.records import BadRecord, BrokenFile, Record, Refused, refused
from curation.models import Benchmark, ImportBatch, RejectedRecord, Source
from curation.texts import storable

Item = TypeVar("Item")
OnOpen = Callable[[ImportBatch], None]

CHUNK_CHARACTERS = 8_000_000
REJECTED_COLUMNS = ("batch_id", "line", "reason", "excerpt")


class BadSource(ValueError):
    """The slug of a source is not one."""


class Overtaken(RuntimeError):
    """Another process has gone on in this batch."""


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
    mapping: dict[str, str] = field(default_factory=dict)


def import_file(
    path: Path,
    intake: Intake[Item],
    *,
    source: str,
    by: User | None,
    door: Door = Door.PAGE,
    on_bytes: OnBytes | None = None,
    on_open: OnOpen | None = None,
) -> ImportBatch:
    """Import one file, or the rest of one whose import was stopped or killed.

    A batch whose file breaks off ends as failed, with what was read before in and counted. `on_open` hears of the
    batch before a record is taken; what it has read by then is behind it.
    """
    into = source_named(source, intake.holds)
    reading = Reading(intake.holds, intake.layout, intake.mapping)
    with opened_batch(path, source=into, reading=reading, by=by) as batch:
        _note_unit(batch, form_of(path).unit)
        if on_open is not None:
            on_open(batch)
        records = islice(read_records(path, on_bytes), batch.read, None)
        try:
            for chunk in _chunks(records, intake.chunk_records):
                _take(batch, intake, chunk)
        except BrokenFile as broken:
            return close_batch(batch, door=door, state=ImportBatch.State.FAILED, error=str(broken))
        except Overtaken:
            raise  # the batch is the other's to close
        except BaseException as failure:
            _stop_batch(batch, failure, door=door)
            raise
        return close_batch(batch, door=door, state=ImportBatch.State.DONE)


def _note_unit(batch: ImportBatch, unit: str) -> None:
    if batch.unit != unit:
        batch.unit = unit
        batch.save(update_fields=["unit"])


def source_named(slug: str, holds: ImportBatch.Holds) -> Source:
    """The source of that slug, made when it is new; raises BadSource when it cannot take files that hold this."""
    try:
        validate_slug(slug)
    except ValidationError:
        raise BadSource(f"source {slug!r}: use letters, digits, - and _ only") from None
    if len(slug) > 64:
        raise BadSource(f"source {slug[:20]!r}… has {len(slug)} characters, the limit is 64")
    source = Source.objects.get_or_create(slug=slug)[0]
    if source.withdrawn_at is not None:
        raise BadSource(f"source {slug!r} is being withdrawn; wait until that has ended, or choose another name")
    _check_takes(source, holds)
    return source


def _check_takes(source: Source, holds: ImportBatch.Holds) -> None:
    """A benchmark shares its name with no other source, because each is withdrawn in a way of its own."""
    is_benchmark = Q(holds=ImportBatch.Holds.BENCHMARK)
    other = source.batches.filter(~is_benchmark if holds == ImportBatch.Holds.BENCHMARK else is_benchmark).first()
    if other is not None:
        held = ImportBatch.Holds(other.holds).label
        raise BadSource(f"source {source.slug!r} holds {held} and takes no {holds.label}; choose another name")
    if holds == ImportBatch.Holds.BENCHMARK and Benchmark.objects.filter(name=source.slug, withdrawn=True).exists():
        raise BadSource(
            f"source {source.slug!r} is withdrawn, and nothing would be checked against it; undo its withdrawal (under "
            "Actions), or choose another name"
        )


def close_batch(
    batch: ImportBatch, *, door: Door, state: ImportBatch.State, error: str = "", is_finished: bool = True
) -> ImportBatch:
    """Write how an import ended, or that it was stopped, with its action."""
    with transaction.atomic():
        finished_at = timezone.now() if is_finished else None
        ImportBatch.objects.filter(pk=batch.pk).update(state=state, error=storable(error), finished_at=finished_at)
        record(f"import {batch.holds}", [], by=batch.by, door=door, note=f"{batch.file_name} into {batch.source}")
    batch.refresh_from_db()
    return batch


def _stop_batch(batch: ImportBatch, failure: BaseException, *, door: Door) -> None:
    """Leave the batch unfinished, so that the file, given again, goes on in it."""
    error = f"stopped by {type(failure).__name__}: {failure}; give the same file again, it goes on where it stopped"
    close_batch(batch, door=door, state=ImportBatch.State.FAILED, error=error, is_finished=False)


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


def read_all(intake: Intake[Item], chunk: Iterable[Record | Refused]) -> tuple[list[Item], list[Refused]]:
    """What can be taken of these records, and what is rejected."""
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
    return items, rejected


def _take(batch: ImportBatch, intake: Intake[Item], chunk: list[Record | Refused]) -> None:
    items, rejected = read_all(intake, chunk)
    with transaction.atomic():
        take_turn()
        accepted = intake.store(batch, items) if items else 0
        insert_rows(RejectedRecord, REJECTED_COLUMNS, [_rejected_row(batch, one) for one in rejected])
        _count(batch, read=len(chunk), accepted=accepted, rejected=len(rejected))
    batch.read += len(chunk)


def _rejected_row(batch: ImportBatch, one: Refused) -> tuple[int, int, str, str]:
    return batch.pk, one.line, one.reason[:300], one.excerpt[:300]


def _count(batch: ImportBatch, *, read: int, accepted: int, rejected: int) -> None:
    # The place is the condition: a second process in the same batch would count the same records again.
    at_its_place = ImportBatch.objects.filter(pk=batch.pk, read=batch.read)
    counted = at_its_place.update(
        read=F("read") + read,
        accepted=F("accepted") + accepted,
        rejected=F("rejected") + rejected,
        duplicates=F("duplicates") + (read - accepted - rejected),
    )
    if not counted:
        raise Overtaken(f"import batch {batch.pk} no longer stands at record {batch.read}; another process imports it")
