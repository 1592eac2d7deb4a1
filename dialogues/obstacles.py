"""What a withdrawal waits for: whoever is at work on these rows, holds texts of them, or is writing them down."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from curation import pool_passes
from curation.holding import batch_lock, is_held
from curation.models import ImportBatch, Source
from dialogues.hanging import Scope
from dialogues.models import Export
from runs.models import ItemState, Run, RunState, WorkItem

WRITING = timedelta(hours=1)
AT_WORK = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSING, RunState.CANCELLING)
STOPPED = (RunState.PAUSED, RunState.OVER_BUDGET)


class CannotWithdraw(ValueError):
    """Not now, or not at all; the message says why."""


class IsGone(CannotWithdraw):
    """It is not there any more."""


def check_may_go(scope: Scope) -> None:
    """Raise CannotWithdraw while something is at work on these rows, or when they are a benchmark."""
    if scope.batches().filter(holds=ImportBatch.Holds.BENCHMARK).exists():
        name = scope.source.slug
        raise CannotWithdraw(f"{name} is a benchmark; manage.py withdraw_benchmark {name} checks against it no longer")
    open_batches = scope.batches().filter(finished_at=None).values_list("pk", flat=True)
    if any(is_held(batch_lock(pk)) for pk in open_batches):
        raise CannotWithdraw(f"an import into {scope.source} is at work; wait until it has ended")
    # In this order: one whose plan comes to its end between the two questions is met by the second.
    if (run := Run.objects.filter(state=RunState.PAUSED, planned_at=None).first()) is not None:
        raise CannotWithdraw(f"{run} is not planned to its end; wait, plan it to the end on its page, or cancel it")
    if (run := Run.objects.filter(state__in=AT_WORK).first()) is not None:
        raise CannotWithdraw(f"{run} is {run.get_state_display()}; cancel it or wait until it has ended")
    if (run := _with_open_items()) is not None:
        remedy = "cancel it; one that is started anew pays for nothing twice"
        raise CannotWithdraw(f"{run} is {run.get_state_display()} and would go on with texts that it holds; {remedy}")
    if Export.objects.filter(state=Export.State.RUNNING, started_at__gt=timezone.now() - WRITING).exists():
        raise CannotWithdraw("an export is being written; wait until it has ended")
    if busy := pool_passes.at_work():  # it would miss, or write of, what it has read
        raise CannotWithdraw(busy)


def _with_open_items() -> Run | None:
    """A run that has stopped and could go on: its items hold the texts that they were planned with."""
    pending = WorkItem.objects.filter(run=OuterRef("pk"), state=ItemState.PENDING)
    return Run.objects.filter(Exists(pending), state__in=STOPPED).first()


def source_to_withdraw(scope: Scope) -> Source:
    """The source, for writing; raises CannotWithdraw when it has gone or is going."""
    source = Source.objects.select_for_update().filter(pk=scope.source.pk).first()
    if source is None or (scope.batch is not None and not scope.batches().exists()):
        what = f"import {scope.batch.pk} into {scope.source}" if scope.batch else f"source {scope.source}"
        raise IsGone(f"{what} is not here any more; it was withdrawn meanwhile")
    if source.withdrawn_at is not None:
        raise CannotWithdraw(f"{source} is being withdrawn already")
    return source
