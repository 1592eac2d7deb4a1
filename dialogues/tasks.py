"""The Celery side of dialogues: an export that a page asked for, written by the worker for jobs."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from dialogues.exporting import Choice, export_dialogues


@shared_task
def write_export(layout: str, method: str, source: str, by_id: int) -> None:
    """Write the file under VAR_DIR/exports; the row of the export says how it went."""
    folder = settings.VAR_DIR / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{layout}-{timezone.now():%Y%m%d-%H%M%S}.jsonl"
    export_dialogues(path, layout=layout, choice=Choice(method, source), by=User.objects.get(pk=by_id))
