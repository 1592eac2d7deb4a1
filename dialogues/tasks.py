"""The Celery side of dialogues: what a page asked for and the worker for jobs does."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from curation.models.counts import KEPT_COUNTS
from dialogues import uploading, withdrawing
from dialogues.exporting import Choice, export_dialogues, mark_what_left
from web.kept_counts import fold
from web.planning import renew_statistics


@shared_task
def write_export(layout: str, method: str, source: str, by_id: int) -> None:
    """Write the file under VAR_DIR/exports; the row of the export says how it went."""
    folder = settings.VAR_DIR / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{layout}-{timezone.now():%Y%m%d-%H%M%S}.jsonl"
    export_dialogues(path, layout=layout, choice=Choice(method, source), by=User.objects.get(pk=by_id))


@shared_task
def import_upload(upload_id: int) -> None:
    """Import a file that came through the browser."""
    uploading.carry_out(upload_id)


@shared_task
def withdraw(withdrawal_id: int) -> None:
    """Take out a source, or one file of it."""
    withdrawing.carry_out(withdrawal_id)


@shared_task
def tend() -> None:
    """Go on with what a killed worker left or a lost message did not start; remove files, know what has grown."""
    for upload_id in uploading.unheard_of():
        import_upload.delay(upload_id)
    for withdrawal_id in withdrawing.unheard_of():
        withdraw.delay(withdrawal_id)
    mark_what_left()
    uploading.tidy()
    renew_statistics()
    for counts in KEPT_COUNTS:
        fold(counts)
