"""Slices: the places a run has for workers that come by message, and the messages that call them.

Each slice has one message on its way or one worker at it. A worker that finds more to do than it can hold calls for
help: the next slice.
"""

from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from runs.models import ACTIVE_STATES, ItemState, Run, RunState, Slice, WorkItem

MESSAGE = "runs.tasks.run_slice"
MARGIN_S = 30


def send_first(run: Run) -> None:
    """Call a worker to a run, unless one is called or at it already."""
    place, _ = Slice.objects.get_or_create(run=run, number=0)
    send(place, since=place.turn)


def send(place: Slice, *, since: datetime | None) -> None:
    """Send the message of a slice, unless someone else did since its turn was read."""
    active = Run.objects.filter(state__in=ACTIVE_STATES).count()
    # A message waits behind the slices of the other runs; one that is lost is made up for after that.
    wait_s = settings.RUN_SLICE_SECONDS * settings.RUN_SLICES * active + MARGIN_S
    turn = timezone.now() + timedelta(seconds=wait_s)
    unchanged = Q(turn__isnull=True) if since is None else Q(turn=since)
    if not Slice.objects.filter(unchanged, pk=place.pk).update(turn=turn):
        return
    try:
        current_app.send_task(MESSAGE, args=(place.run_id, place.number, turn.isoformat()))
    except OperationalError:
        Slice.objects.filter(pk=place.pk, turn=turn).update(turn=None)
        raise


def take_up(run_id: int, number: int, turn: datetime | None) -> Slice | None:
    """The slice that a message calls to; None when it came twice or so late that another one was sent."""
    until = timezone.now() + timedelta(seconds=settings.RUN_SLICE_SECONDS + MARGIN_S)
    ours = Slice.objects.filter(run=run_id, number=number, turn=turn, run__state__in=ACTIVE_STATES)
    if not ours.update(turn=until):
        return None
    return Slice.objects.select_related("run").get(run=run_id, number=number)


def call_for_help(place: Slice) -> None:
    """Call another worker, where more waits than one can hold."""
    if place.number + 1 >= settings.RUN_SLICES:
        return
    pending = WorkItem.objects.filter(run=place.run, state=ItemState.PENDING).values("pk")
    if pending[settings.RUN_WINDOW : settings.RUN_WINDOW + 1]:
        helper, _ = Slice.objects.get_or_create(run=place.run, number=place.number + 1)
        if helper.turn is None or helper.turn < timezone.now():
            send(helper, since=helper.turn)


def go_on(place: Slice, *, told_to_end: bool) -> None:
    """The slice is over: the next message, or an empty place when nothing is left to do.

    A worker on its way out would take the next message up itself; the sweep wakes another one.
    """
    if not told_to_end and has_work(place.run):
        send(place, since=place.turn)
    else:
        Slice.objects.filter(pk=place.pk, turn=place.turn).update(turn=None)


def wake_sleeping() -> None:
    """Call a worker to every run that has work and no live slice."""
    now = timezone.now()
    for run in Run.objects.filter(state__in=ACTIVE_STATES):
        if not run.slices.filter(turn__gte=now).exists() and has_work(run):
            send_first(run)


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
