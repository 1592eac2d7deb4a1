"""The Celery side of the engine: a slice of one run, and the sweep that makes up for lost messages."""

import asyncio
from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from kombu.exceptions import OperationalError

from runs import leases
from runs.engine import work_on
from runs.models import ACTIVE_STATES, ItemState, Run, RunState, WorkItem


@shared_task
def run_slice(run_id: int, turn: str) -> None:
    """Work on a run for one slice, then queue the next.

    `turn` is the run's `slice_until` when the message was sent. It has moved on when the message came twice, or so
    late that the sweep sent another, and then there is nothing to do: a run has one message on its way at most.
    """
    slice_s = settings.RUN_SLICE_SECONDS
    mine = timezone.now() + timedelta(seconds=slice_s + 30)
    ours = Run.objects.filter(pk=run_id, state__in=ACTIVE_STATES, slice_until=parse_datetime(turn))
    if ours.update(slice_until=mine) == 0:
        return
    run = Run.objects.get(pk=run_id)
    told_to_end = asyncio.run(work_on(run, seconds=slice_s))
    # A worker on its way out would take the next message up itself; the sweep wakes another one.
    if not told_to_end and has_work(run):
        send_slice(run, since=mine)
    else:
        Run.objects.filter(pk=run_id, slice_until=mine).update(slice_until=None)


@shared_task
def sweep() -> None:
    """Free the leases of workers that are gone, settle runs that nobody holds, wake runs without a live slice."""
    now = timezone.now()
    leases.free_dead(at=now)
    settle_stopping()
    asleep = Run.objects.filter(state__in=ACTIVE_STATES).filter(Q(slice_until__isnull=True) | Q(slice_until__lt=now))
    for run in asleep:
        if has_work(run):
            send_slice(run, since=run.slice_until)


def send_slice(run: Run, *, since: datetime | None) -> None:
    """Send the message of a run's next slice, unless someone else did since `slice_until` was read."""
    active = Run.objects.filter(state__in=ACTIVE_STATES).count()
    # A message waits behind the slices of the other runs; one that is lost is made up for after that.
    turn = timezone.now() + timedelta(seconds=settings.RUN_SLICE_SECONDS * active + 30)
    unchanged = Q(slice_until__isnull=True) if since is None else Q(slice_until=since)
    if not Run.objects.filter(unchanged, pk=run.pk).update(slice_until=turn):
        return
    try:
        run_slice.delay(run.pk, turn.isoformat())
    except OperationalError:
        Run.objects.filter(pk=run.pk, slice_until=turn).update(slice_until=None)
        raise


def has_work(run: Run) -> bool:
    """Whether a slice of this run would find something to claim, or all its items ended and the run to be closed."""
    if not Run.objects.filter(pk=run.pk, state__in=ACTIVE_STATES).exists():
        return False
    items = WorkItem.objects.filter(run=run)
    return items.filter(state=ItemState.PENDING).exists() or not items.filter(state=ItemState.LEASED).exists()


def settle_stopping() -> None:
    """A run told to stop whose workers are all gone has stopped."""
    for run in Run.objects.filter(state__in=(RunState.PAUSING, RunState.CANCELLING)):
        if WorkItem.objects.filter(run=run, state=ItemState.LEASED).exists():
            continue
        stopping = Run.objects.filter(pk=run.pk, state=run.state)
        if run.state == RunState.PAUSING:
            stopping.update(state=RunState.PAUSED, reserved=0)
        else:
            stopping.update(state=RunState.CANCELLED, reserved=0, finished_at=timezone.now())
