"""Open the batch of a file: the one that an import which ended early left behind, or a new one."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.models import User
from curation.holding import Hold, batch_lock, hold
from curation.models import ImportBatch, Source
from curation.texts import storable


@dataclass(frozen=True, slots=True)
class Reading:
    """As what a file is read: the same file read in another way is another import."""

    holds: ImportBatch.Holds
    layout: str
    mapping: dict[str, str] = field(default_factory=dict)


@contextmanager
def opened_batch(path: Path, *, source: Source, reading: Reading, by: User | None) -> Iterator[ImportBatch]:
    """The batch of a file and its place in it, held meanwhile: `read` records are behind it."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    of_file = {"source": source, "sha256": sha256, **asdict(reading)}
    batch, held = _left_behind(of_file) or _new(of_file, file_name=storable(path.name)[:255], by=by)
    try:
        yield batch
    finally:
        held.release()


def _left_behind(of_file: dict[str, Any]) -> tuple[ImportBatch, Hold] | None:
    for batch in ImportBatch.objects.filter(**of_file, finished_at=None).order_by("pk"):
        try:
            held = hold(batch_lock(batch.pk))
        except BlockingIOError:  # its import is alive
            continue
        batch.refresh_from_db()
        if batch.finished_at is None:
            batch.state, batch.error = ImportBatch.State.RUNNING, ""
            batch.save(update_fields=["state", "error"])
            return batch, held
        held.release()
    return None


def _new(of_file: dict[str, Any], *, file_name: str, by: User | None) -> tuple[ImportBatch, Hold]:
    with transaction.atomic():  # nobody sees it before it is held
        batch = ImportBatch.objects.create(**of_file, file_name=file_name, by=by)
        return batch, hold(batch_lock(batch.pk))
