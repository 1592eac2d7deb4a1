"""Open the batch of a file: the one that an import which ended early left behind, or a new one."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from curation.models import ImportBatch, Source
from curation.texts import storable


@dataclass(frozen=True, slots=True)
class Reading:
    """As what a file is read: the same file read in another way is another import."""

    holds: ImportBatch.Holds
    layout: str
    mapping: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hold:
    """A batch is held by whoever imports into it. The lock ends with its process, even one that is killed."""

    path: Path
    file: int

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.file)


@contextmanager
def opened_batch(path: Path, *, source: Source, reading: Reading, by: User | None) -> Iterator[ImportBatch]:
    """The batch of a file and its place in it, held meanwhile: `read` records are behind it."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    of_file = {"source": source, "sha256": sha256, **asdict(reading)}
    batch, hold = _left_behind(of_file) or _new(of_file, file_name=storable(path.name)[:255], by=by)
    try:
        yield batch
    finally:
        hold.release()


def _left_behind(of_file: dict[str, Any]) -> tuple[ImportBatch, Hold] | None:
    for batch in ImportBatch.objects.filter(**of_file, finished_at=None).order_by("pk"):
        try:
            hold = _hold(batch.pk)
        except BlockingIOError:  # its import is alive
            continue
        batch.refresh_from_db()
        if batch.finished_at is None:
            batch.state, batch.error = ImportBatch.State.RUNNING, ""
            batch.save(update_fields=["state", "error"])
            return batch, hold
        hold.release()
    return None


def _new(of_file: dict[str, Any], *, file_name: str, by: User | None) -> tuple[ImportBatch, Hold]:
    with transaction.atomic():  # nobody sees it before it is held
        batch = ImportBatch.objects.create(**of_file, file_name=file_name, by=by)
        return batch, _hold(batch.pk)


def _hold(batch_id: int) -> Hold:
    """Raises BlockingIOError while somebody else has it."""
    folder = settings.VAR_DIR / "imports"
    folder.mkdir(exist_ok=True)
    path = folder / f"{Path(str(connection.settings_dict['NAME'])).name}-{batch_id}.lock"
    while True:
        file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return Hold(path, file)
        except BlockingIOError:
            os.close(file)
            raise
        os.close(file)  # its holder has just removed it


def _is_at(path: Path, file: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False
