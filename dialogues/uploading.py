"""Take in a file from the browser, and import it in a worker: resumable, once, and the file goes when it is done."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import Door, User
from curation.holding import batch_lock, hold, is_held
from curation.intake.batches import BadSource, close_batch, import_file, source_named
from curation.intake.mapping import MAPPED
from curation.intake.previewing import Preview, sample_of
from curation.intake.records import BrokenFile
from curation.intake.sources import UnknownLayout
from curation.models import ImportBatch, Source, Upload, uploads_folder
from curation.texts import storable
from dialogues.filekinds import Choice, holds_of, intake_of
from dialogues.watching import Paced
from web.uploads import FileOnDisk

TASK = "dialogues.tasks.import_upload"
# A file that killed its worker so often would kill the next one too.
ATTEMPTS = 5
UNHEARD = timedelta(seconds=30)
UNCLAIMED = timedelta(minutes=5)
STRAY = timedelta(days=1)


class CannotStart(ValueError):
    """This file cannot be imported as it was chosen; the message says why."""


class StartedOtherwise(CannotStart):
    """Somebody has started it already, as another import than was asked for."""

    def __init__(self, upload: Upload, batch: ImportBatch) -> None:
        self.batch = batch
        meant = f"{upload.file_name} was started meanwhile, as import {batch.pk} into {batch.source}"
        super().__init__(f"{meant}; what you chose was not taken, send the file again for that")


def take_in(file: FileOnDisk, *, by: User) -> Upload:
    """Keep a file that has just come in, unless it holds nothing that can be read; raises BrokenFile."""
    sample = sample_of(file.path)
    if sample is None:
        raise BrokenFile("the file is empty: it holds no record, nothing was imported")
    choice = Choice(holds=holds_of(sample.values))
    upload = Upload(key=uuid4().hex, size=file.size or 0, sha256=file.sha256, choice=choice.as_stored(), by=by)
    upload.file_name = storable(file.name or "")[:255] or "unnamed"
    file.keep_as(upload.path)
    upload.save()
    return upload


def choose(upload: Upload, choice: Choice) -> None:
    """Note as what the file is to be read."""
    Upload.objects.filter(pk=upload.pk, batch=None).update(choice=choice.as_stored())


def start(upload: Upload, choice: Choice, found: Preview, *, source: str) -> ImportBatch:
    """Make the batch that the worker will fill; raises CannotStart."""
    if found.why_no_layout:
        raise CannotStart(found.why_no_layout)
    if choice.layout == MAPPED and found.takes_nothing:
        raise CannotStart(f"by this mapping every record that was looked at is rejected; {_first(found)}")
    with transaction.atomic():
        now = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if now is None:
            raise CannotStart(f"{upload.file_name} was removed meanwhile; send it again")
        if now.batch is not None:
            check_started_as(now, now.batch, choice, source=source)
            return now.batch
        reading = {"holds": choice.holds, "layout": found.layout, "mapping": choice.mapping}
        now.batch = _batch_of(now, reading, _source_named(source, choice))
        now.choice, now.handed_at = choice.as_stored(), timezone.now()
        now.save(update_fields=["batch", "choice", "handed_at"])
    return now.batch


def check_started_as(upload: Upload, batch: ImportBatch, choice: Choice, *, source: str) -> None:
    """Raise StartedOtherwise when its import goes elsewhere, or reads it otherwise, than is asked for here."""
    if (batch.source.slug, upload.choice) != (source, choice.as_stored()):
        raise StartedOtherwise(upload, batch)


def _source_named(slug: str, choice: Choice) -> Source:
    try:
        return source_named(slug, ImportBatch.Holds(choice.holds))
    except BadSource as bad:
        raise CannotStart(str(bad)) from None


def _batch_of(upload: Upload, reading: dict[str, Any], source: Source) -> ImportBatch:
    """The batch that an import of the same file left behind, or a new one."""
    of_file = {"source": source, "sha256": upload.sha256, **reading}
    for batch in ImportBatch.objects.filter(**of_file, finished_at=None).order_by("pk"):
        _take_over(batch)
        left_behind = ImportBatch.objects.filter(pk=batch.pk, finished_at=None)
        if left_behind.update(state=ImportBatch.State.QUEUED, error=""):
            return batch
    return ImportBatch.objects.create(
        **of_file, file_name=upload.file_name, by=upload.by, state=ImportBatch.State.QUEUED
    )


def _take_over(batch: ImportBatch) -> None:
    """Raise CannotStart when its import goes on, or can; where the uploaded file is gone, another takes its place."""
    already = CannotStart(f"the same file is being imported into {batch.source} already, as import {batch.pk}")
    other = Upload.objects.filter(batch=batch).first()
    if is_held(batch_lock(batch.pk)) or (other is not None and is_held(lock_name(other.pk))):
        raise already
    if other is None:
        return
    if not other.path.exists():
        other.delete()
    elif batch.state == ImportBatch.State.FAILED:
        raise CannotStart(f"import {batch.pk} of the same file into {batch.source} has stopped; press Go on there")
    else:
        raise already


def go_on(batch: ImportBatch) -> Upload:
    """Try a stopped import again; raises CannotStart when its file is not there."""
    upload = Upload.objects.filter(batch=batch).first()
    if upload is None or batch.finished_at is not None or not upload.path.exists():
        raise CannotStart("its file is no longer here; give the same file again, and the import goes on at its place")
    if is_held(batch_lock(batch.pk)) or is_held(lock_name(upload.pk)):  # somebody has pressed it before
        return upload
    Upload.objects.filter(pk=upload.pk).update(attempts=0, handed_at=timezone.now())
    ImportBatch.objects.filter(pk=batch.pk, finished_at=None).update(state=ImportBatch.State.QUEUED, error="")
    return upload


def not_handed_over(upload: Upload, why: Exception) -> None:
    """Note that no worker will hear of an import, so that its page lets it go on."""
    waiting = ImportBatch.objects.filter(upload=upload, state=ImportBatch.State.QUEUED)
    waiting.update(state=ImportBatch.State.FAILED, error=f"stopped: {why}")


def carry_out(upload_id: int) -> None:
    """Import an uploaded file, or the rest of it. Doubled and late messages change nothing."""
    try:
        held = hold(lock_name(upload_id))
    except BlockingIOError:  # another worker is at it
        return
    try:
        _carry_out(upload_id)
    finally:
        held.release()


def _carry_out(upload_id: int) -> None:
    upload = Upload.objects.select_related("batch__source", "batch__by").filter(pk=upload_id).first()
    if upload is None or upload.batch is None:
        return
    batch = upload.batch
    if batch.finished_at is None and not is_held(batch_lock(batch.pk)):  # a command may import the same file
        Upload.objects.filter(pk=upload.pk).update(attempts=F("attempts") + 1)
        if upload.attempts >= ATTEMPTS:
            _give_up(batch)
            return
        _import(upload, batch)
        batch.refresh_from_db()
    if batch.finished_at is not None:
        discard(upload)


def _import(upload: Upload, batch: ImportBatch) -> None:
    choice = Choice(**upload.choice)
    try:
        sample = sample_of(upload.path)
        intake = intake_of(sample.values if sample else [], choice, source=batch.source.slug)
        on_bytes = Paced(lambda position: Upload.objects.filter(pk=upload.pk).update(bytes_read=position))
        import_file(upload.path, intake, source=batch.source.slug, by=batch.by, on_bytes=on_bytes)
    except FileNotFoundError:
        lost = (
            "stopped: the worker does not see the uploaded file; web and workers need the same VAR_DIR. If the file is "
            "gone, send it again: the import goes on at its place"
        )
        close_batch(batch, door=Door.PAGE, state=ImportBatch.State.FAILED, error=lost, is_finished=False)
    except (BrokenFile, UnknownLayout, BadSource) as refusal:
        close_batch(batch, door=Door.PAGE, state=ImportBatch.State.FAILED, error=str(refusal))


def _give_up(batch: ImportBatch) -> None:
    why = f"stopped: its worker died {ATTEMPTS} times in a row; go on tries again at the place that was reached"
    close_batch(batch, door=Door.PAGE, state=ImportBatch.State.FAILED, error=why, is_finished=False)


def discard(upload: Upload) -> None:
    """Remove a file and its row; an import that was made from it stays."""
    upload.delete()
    upload.path.unlink(missing_ok=True)


def throw_away(upload: Upload) -> bool:
    """Remove a file that nobody wants to import; False when somebody has started it meanwhile."""
    deleted, _ = Upload.objects.filter(pk=upload.pk, batch=None).delete()
    if deleted:
        upload.path.unlink(missing_ok=True)
    return bool(deleted)


def unheard_of() -> list[int]:
    """Uploads whose import waits and of which no worker can know: the message was lost, or its worker was killed."""
    now = timezone.now()
    waiting = Upload.objects.filter(batch__finished_at=None, batch__isnull=False)
    waiting = waiting.filter(batch__state=ImportBatch.State.QUEUED, handed_at__lt=now - UNCLAIMED) | waiting.filter(
        batch__state=ImportBatch.State.RUNNING, handed_at__lt=now - UNHEARD
    )
    keys = [pk for pk in waiting.order_by("pk").values_list("pk", flat=True) if not is_held(lock_name(pk))]
    Upload.objects.filter(pk__in=keys).update(handed_at=now)
    return keys


def tidy() -> None:
    """Remove files that nobody started within the days of UPLOAD_DAYS, and what an interrupted request left."""
    forgotten = Upload.objects.filter(batch=None, came_at__lt=timezone.now() - timedelta(days=settings.UPLOAD_DAYS))
    for upload in forgotten:
        throw_away(upload)
    folder = uploads_folder()
    for path in folder.iterdir() if folder.is_dir() else []:
        if _is_stray(path, Upload.objects.all()):
            path.unlink(missing_ok=True)


def _is_stray(path: Path, uploads: QuerySet[Upload]) -> bool:
    try:
        age = timezone.now().timestamp() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    return age > STRAY.total_seconds() and not uploads.filter(key=path.name).exists()


def lock_name(upload_id: int) -> str:
    """The lock that the worker at an upload holds."""
    return f"upload-{upload_id}"


def _first(found: Preview) -> str:
    return "; ".join(f"{found.unit} {one.line}: {one.reason}" for one in found.rejected[:1])
