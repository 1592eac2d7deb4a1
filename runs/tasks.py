"""The Celery side of the engine: slices of runs, the sweep that makes up for lost messages, and the jobs of pages."""

import asyncio

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Action
from runs import compacting, proposing, slices, workers
from runs.engine import work_on
from runs.kinds import kind_named
from runs.models import Proposal, Run
from runs.starting import plan_run
from runs.writing import patiently


@shared_task
def run_slice(run_id: int, number: int, turn: str) -> None:
    """Work on a run for one slice, then call for the next. Doubled and late messages change nothing."""
    place = slices.take_up(run_id, number, parse_datetime(turn))
    if place is None:
        return
    slices.call_for_help(place)
    told_to_end = asyncio.run(work_on(place.run, seconds=settings.RUN_SLICE_SECONDS))
    patiently(lambda: slices.go_on(place, told_to_end=told_to_end))


@shared_task
def sweep() -> None:
    """Bury dead workers, settle runs that nobody holds, wake runs without a live slice."""
    workers.bury_dead(at=timezone.now())
    slices.settle_stopping()
    slices.wake_sleeping()


@shared_task
def plan(run_id: int) -> None:
    """Write the items of a run, from the start or to its end."""
    run = Run.objects.get(pk=run_id)
    if run.is_unplanned:
        plan_run(run, kind_named(run.kind))


@shared_task
def price(proposal_id: int) -> None:
    """Work out what a proposed run would do and cost."""
    proposing.price(Proposal.objects.get(pk=proposal_id))


@shared_task
def compact(run_id: int, action_id: int) -> None:
    """Drop what an ended run no longer needs."""
    compacting.compact(Run.objects.get(pk=run_id), action=Action.objects.get(pk=action_id))
