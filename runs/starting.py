"""Start a run: plan its items, or go on with an equal one that has not ended."""

import logging
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from accounts.models import User
from runs.handing import PLAN, hand_over
from runs.kinds import Kind, kind_named
from runs.models import FINAL_STATES, Run, RunState, WorkItem

logger = logging.getLogger(__name__)
BATCH = 500
BEING_PLANNED = "being planned"
TELL_EVERY_S = 1.0
Progress = Callable[[int], None]


class NotStarted(ValueError):
    """No run was begun; the message says why."""


def start_run(
    kind_name: str,
    *,
    by: User | None,
    title: str,
    parameters: Mapping[str, Any],
    budget: Decimal | None = None,
    progress: Progress = lambda planned: None,
) -> Run:
    """Plan a run and queue it. Raises NotStarted when it may not begin now."""
    kind = kind_named(kind_name)
    run = make_run(kind, by=by, title=title, parameters=parameters, budget=budget)
    plan_run(run, kind, progress=progress)
    return run


def make_run(
    kind: Kind, *, by: User | None, title: str, parameters: Mapping[str, Any], budget: Decimal | None = None
) -> Run:
    """A run that is to be planned next. It exists, paused, while it is planned, so that a killed plan can go on.

    Raises NotStarted while something goes on that would take away what it is about.
    """
    with transaction.atomic():
        if why := obstacle():
            raise NotStarted(why)
        return Run.objects.create(
            kind=kind.name,
            title=title,
            parameters=dict(parameters),
            by=by,
            budget=budget,
            state=RunState.PAUSED,
            note=BEING_PLANNED,
            rate_samples=[[time.time(), 0]],
        )


def obstacle() -> str:
    """What takes away just now what runs are about; empty when nothing does. Call it in the transaction that begins."""
    found: str = import_string(settings.RUNS_WAIT_FOR)()
    return found


def plan_later(run: Run) -> None:
    """Let the worker for jobs plan a run, from the start or to its end."""
    samples = [[time.time(), run.items_total]]
    Run.objects.filter(pk=run.pk, planned_at__isnull=True).update(note=BEING_PLANNED, rate_samples=samples)
    hand_over(PLAN, run.pk)


def plan_run(run: Run, kind: Kind, *, progress: Progress = lambda planned: None) -> None:
    """Write the items of a plan in small batches; items that stand already are left as they are."""
    try:
        _write_items(run, kind, progress)
    except Exception as error:
        stopped = {"note": f"planning stopped: {error}", "rate_samples": []}
        _being_planned(run).update(**stopped)
        raise
    run.items_total = run.items.count()
    planned = {
        "items_total": run.items_total,
        "planned_at": timezone.now(),
        "state": RunState.QUEUED if run.items_total else RunState.DONE,
        "finished_at": None if run.items_total else timezone.now(),
        "note": "" if run.items_total else "there was nothing to do",
        "parameters": run.parameters,
        "rate_samples": [],
    }
    with transaction.atomic():
        moved = _being_planned(run).update(**planned)
        if moved and run.items_total:
            wake(run)
    run.refresh_from_db()


def _write_items(run: Run, kind: Kind, progress: Progress) -> None:
    planned = iter(kind.plan(run))
    count, told_at = 0, 0.0
    while block := list(islice(planned, BATCH)):
        items = [WorkItem(run=run, key=item.key, payload=item.payload) for item in block]
        WorkItem.objects.bulk_create(items, ignore_conflicts=True)
        count += len(block)
        progress(count)
        if (now := time.time()) >= told_at + TELL_EVERY_S:
            told_at = now
            # A sign of life for the pages, in the columns that count ended items later.
            if not _being_planned(run).update(items_total=count, rate_samples=[[now, count]]):
                return  # cancelled, or planned to its end by another process


def _being_planned(run: Run) -> QuerySet[Run]:
    """The run, unless it was cancelled or planned meanwhile."""
    return Run.objects.filter(pk=run.pk, state=RunState.PAUSED, planned_at=None)


def unfinished(kind_name: str, parameters: Mapping[str, Any]) -> Run | None:
    """The newest run of the same kind and parameters that has items left to do."""
    same = Run.objects.filter(kind=kind_name).exclude(state__in=[*FINAL_STATES, RunState.FAILED, RunState.CANCELLING])
    return next((run for run in same[:50] if _asked_for(run) == dict(parameters)), None)


def wake(run: Run) -> None:
    """Tell a worker that there is work; a lost message is made up for by the sweep."""
    from runs.slices import send_first

    def send() -> None:
        try:
            send_first(run)
        except OperationalError as error:
            logger.warning(
                "run %s is queued, but the broker does not answer (%s); the sweep takes it up", run.pk, error
            )

    transaction.on_commit(send)


def _asked_for(run: Run) -> dict[str, Any]:
    """The parameters a person gave, without what planning added (names that begin with `planned_`)."""
    return {name: value for name, value in run.parameters.items() if not name.startswith("planned_")}
