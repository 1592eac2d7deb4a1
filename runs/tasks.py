"""The Celery side of the engine: a slice of one run, and the sweep that makes up for lost messages."""

import asyncio
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from runs import leases
from runs.engine import work_on
from runs.models import ACTIVE_STATES, ItemState, Run, RunState, WorkItem


@shared_task
def run_slice(run_id: int) -> None:
    """Work on a run for one slice, then queue the next; doubled messages only share the run's items."""
    run = Run.objects.filter(pk=run_id, state__in=ACTIVE_STATES).first()
    if run is None:
        return
    slice_s = settings.RUN_SLICE_SECONDS
    Run.objects.filter(pk=run_id).update(slice_until=timezone.now() + timedelta(seconds=slice_s + 30))
    asyncio.run(work_on(run, seconds=slice_s))
    Run.objects.filter(pk=run_id).update(slice_until=None)
    if has_work(run):
        run_slice.delay(run_id)


@shared_task
def sweep() -> None:
    """Free the leases of workers that are gone, settle runs that nobody holds, wake runs without a live slice."""
    now = timezone.now()
    leases.free_dead(at=now)
    settle_stopping()
    asleep = Run.objects.filter(state__in=ACTIVE_STATES).filter(Q(slice_until__isnull=True) | Q(slice_until__lt=now))
    for run in asleep:
        if has_work(run):
            run_slice.delay(run.pk)


def has_work(run: Run) -> bool:
    """Whether a slice of this run would find something to claim, or all its items ended and the run to be closed."""
    if not Run.objects.filter(pk=run.pk, state__in=ACTIVE_STATES).exists():
        return False
    items = WorkItem.objects.filter(run=run)
    return items.filter(state=ItemState.PENDING).exists() or not items.filter(state=ItemState.LEASED).exists()


def settle_stopping() -> None:
    """A run told to stop whose workers are all gone has stopped."""
    for stopping, stopped in ((RunState.PAUSING, RunState.PAUSED), (RunState.CANCELLING, RunState.CANCELLED)):
        for run in Run.objects.filter(state=stopping):
            if not WorkItem.objects.filter(run=run, state=ItemState.LEASED).exists():
                Run.objects.filter(pk=run.pk, state=stopping).update(state=stopped)
