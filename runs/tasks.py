"""The Celery side of the engine: a slice of one run, and the sweep that makes up for lost messages."""

import asyncio

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from runs import slices, workers
from runs.engine import work_on


@shared_task
def run_slice(run_id: int, number: int, turn: str) -> None:
    """Work on a run for one slice, then call for the next. Doubled and late messages change nothing."""
    place = slices.take_up(run_id, number, parse_datetime(turn))
    if place is None:
        return
    slices.call_for_help(place)
    told_to_end = asyncio.run(work_on(place.run, seconds=settings.RUN_SLICE_SECONDS))
    slices.go_on(place, told_to_end=told_to_end)


@shared_task
def sweep() -> None:
    """Bury dead workers, settle runs that nobody holds, wake runs without a live slice."""
    workers.bury_dead(at=timezone.now())
    slices.settle_stopping()
    slices.wake_sleeping()
