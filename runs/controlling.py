"""Pause, resume, cancel, retry, raise the budget: each a change of the run's row that workers see within a second."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.actions import Change, record
from accounts.models import Door, User
from runs.kinds import kind_named
from runs.models import ItemState, Run, RunState, WorkItem
from runs.starting import plan_run, wake


class NotNow(ValueError):
    """The run's state does not allow this."""


def pause(run: Run, *, by: User | None, door: Door = Door.PAGE) -> None:
    """Let what is in flight be written, then stop. A run no worker holds pauses at once."""
    live = run.items.filter(state=ItemState.LEASED).exists()
    target = RunState.PAUSING if live else RunState.PAUSED
    _move(run, [RunState.QUEUED, RunState.RUNNING], target, verb="pause run", by=by, door=door)


def cancel(run: Run, *, by: User | None, door: Door = Door.PAGE) -> None:
    """Drop what is in flight and end the run. Answers already paid for stay in the ledger."""
    live = run.items.filter(state=ItemState.LEASED).exists()
    target = RunState.CANCELLING if live else RunState.CANCELLED
    open_states = [state for state in RunState if state not in (RunState.CANCELLED, RunState.DONE, RunState.CANCELLING)]
    _move(run, open_states, target, verb="cancel run", by=by, door=door)


def resume(run: Run, *, by: User | None, door: Door = Door.PAGE) -> None:
    """Queue a stopped run again; one whose planning was cut short is planned to its end first."""
    stopped = [RunState.PAUSED, RunState.PAUSING, RunState.OVER_BUDGET, RunState.FAILED]
    if run.planned_at is None:
        plan_run(run, kind_named(run.kind))
        return
    _move(run, stopped, RunState.QUEUED, verb="resume run", by=by, door=door)


def retry_failed(run: Run, *, by: User | None, door: Door = Door.PAGE) -> int:
    """Put all failed items back to pending; how many there were."""
    with transaction.atomic():
        failed = WorkItem.objects.filter(run=run, state=ItemState.FAILED)
        count = failed.update(state=ItemState.PENDING, error_class="", error="")
        if count:
            Run.objects.filter(pk=run.pk).update(items_failed=F("items_failed") - count)
            ended = [state for state in RunState if state not in (RunState.CANCELLED, RunState.CANCELLING)]
            _move(run, ended, RunState.QUEUED, verb="retry failed items", by=by, door=door)
    return count


def set_budget(run: Run, budget: Decimal | None, *, by: User | None, door: Door = Door.PAGE) -> None:
    """Change the budget; a run that had stopped for want of it goes on when it can."""
    with transaction.atomic():
        before = Run.objects.select_for_update().get(pk=run.pk).budget
        if before != budget:
            Run.objects.filter(pk=run.pk).update(budget=budget)
            record("set budget", [Change(run, {"budget": before}, {"budget": budget})], by=by, door=door)
    run.refresh_from_db()
    if run.state == RunState.OVER_BUDGET:
        resume(run, by=by, door=door)


CONTROLS: dict[str, Callable[..., Any]] = {
    "pause": pause,
    "resume": resume,
    "cancel": cancel,
    "retry": retry_failed,
}


def _move(run: Run, allowed: Sequence[RunState], target: RunState, *, verb: str, by: User | None, door: Door) -> None:
    with transaction.atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        if now.state not in allowed:
            raise NotNow(f"run {run.pk} is {now.get_state_display()}; it cannot be changed to {target.label}")
        if now.state != target:
            Run.objects.filter(pk=run.pk).update(state=target, finished_at=None)
            record(verb, [Change(run, {"state": now.state}, {"state": str(target)})], by=by, door=door)
        if target == RunState.QUEUED:
            wake(run)
    run.refresh_from_db()
