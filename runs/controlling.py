"""Pause, resume, cancel, retry, raise the budget: each a change of the run's row that workers see within a second."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.actions import Change, record
from accounts.models import Door, User
from runs.kinds import kind_named
from runs.models import ItemState, Run, RunState, WorkItem
from runs.starting import obstacle, plan_run, wake
from web.counts import counted

# Items that one transaction puts back.
BLOCK = 500
# Why an item was skipped that no step has looked at.
WITHDRAWN = "withdrawn"

# Where a run goes that is told to stop: at once when no worker holds an item of it, else when they are through.
Ways = Mapping[bool, RunState]
PAUSE: Ways = {False: RunState.PAUSED, True: RunState.PAUSING}
CANCEL: Ways = {False: RunState.CANCELLED, True: RunState.CANCELLING}


class NotNow(ValueError):
    """The run's state does not allow this."""


def pause(run: Run, *, by: User | None, door: Door = Door.PAGE) -> None:
    """Let what is in flight be written, then stop. A run no worker holds pauses at once."""
    _stop(run, [RunState.QUEUED, RunState.RUNNING], PAUSE, verb="pause run", by=by, door=door)


def cancel(run: Run, *, by: User | None, door: Door = Door.PAGE) -> None:
    """Drop what is in flight and end the run. Answers already paid for stay in the ledger."""
    over = (RunState.CANCELLED, RunState.DONE, RunState.CANCELLING)
    _stop(run, [state for state in RunState if state not in over], CANCEL, verb="cancel run", by=by, door=door)


def _plan_now(run: Run) -> None:
    plan_run(run, kind_named(run.kind))


def resume(run: Run, *, by: User | None, door: Door = Door.PAGE, plan: Callable[[Run], None] = _plan_now) -> int | None:
    """Queue a stopped run again; one whose planning was cut short is planned to its end first.

    Nothing of a failed run is left but failures: to go on is to retry them, and the answer is how many there are.
    """
    stopped = [RunState.PAUSED, RunState.PAUSING, RunState.OVER_BUDGET]
    run.refresh_from_db()
    if run.is_unplanned:
        with transaction.atomic():
            _check_may_go_on()
        plan(run)
        moved = [Change(run, {"state": "paused"}, {"state": run.state})] if run.planned_at else []
        record("resume run", moved, by=by, door=door, note=str(run))
        return None
    if run.state == RunState.FAILED and run.items_failed:
        return retry_failed(run, by=by, door=door)
    with transaction.atomic():
        _check_may_go_on()
        _move(run, stopped, RunState.QUEUED, verb="resume run", by=by, door=door)
        wake(run)
    run.refresh_from_db()
    return None


def retry_failed(run: Run, *, by: User | None, door: Door = Door.PAGE) -> int:
    """Put all failed items back to pending; how many there were. Raises NotNow where that may not be.

    It has no undo: what the items said of their failure is gone, and a worker may be at them already.
    """
    failed = list(WorkItem.objects.filter(run=run, state=ItemState.FAILED).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(failed), BLOCK):
        with transaction.atomic():
            _check_may_go_on()
            _put_back(run, failed[start : start + BLOCK])
            if start == 0:
                record("retry failed items", [], by=by, door=door, note=f"{run}, {counted(len(failed), 'item')}")
                wake(run)
    run.refresh_from_db()
    return len(failed)


def set_budget(run: Run, budget: Decimal | None, *, by: User | None, door: Door = Door.PAGE) -> None:
    """Change the budget; a run that had stopped for want of it goes on when it can."""
    with transaction.atomic():
        before = Run.objects.select_for_update().get(pk=run.pk).budget
        if before != budget:
            Run.objects.filter(pk=run.pk).update(budget=budget)
            record("set budget", [Change(run, {"budget": before}, {"budget": budget})], by=by, door=door)
    run.refresh_from_db()
    if run.state == RunState.OVER_BUDGET:
        with suppress(NotNow):  # somebody else has just moved it on
            resume(run, by=by, door=door)


def _check_may_go_on() -> None:
    """Raise NotNow while what runs are about is taken away. Call it before a row is locked: both wait in one order."""
    if why := obstacle():
        raise NotNow(why)


def leave_undone(keys: Sequence[int], *, why: str) -> None:
    """Items that wait or have failed are never done, and hold nothing any more; call it inside a transaction."""
    items = WorkItem.objects.filter(pk__in=keys, state__in=(ItemState.PENDING, ItemState.FAILED))
    of_runs = Counter(items.values_list("run", "state"))
    items.update(state=ItemState.SKIPPED, payload={}, error_class=WITHDRAWN, error=why)
    for (run_id, state), count in sorted(of_runs.items()):
        failed = count if state == ItemState.FAILED else 0
        now = {"items_failed": F("items_failed") - failed, "items_skipped": F("items_skipped") + count}
        Run.objects.filter(pk=run_id).update(**now)


def _put_back(run: Run, keys: Sequence[int]) -> None:
    """Some failed items are pending again; the run's row is written last, as everywhere."""
    items = WorkItem.objects.filter(pk__in=keys, state=ItemState.FAILED)
    count = items.update(state=ItemState.PENDING, attempts=0, error_class="", error="")
    now = Run.objects.select_for_update().get(pk=run.pk)
    if now.state in (RunState.CANCELLED, RunState.CANCELLING):
        raise NotNow(f"run {run.pk} is {now.get_state_display()}; its failed items cannot be retried")
    # A worker that is at it takes the items up by itself.
    state = RunState.RUNNING if now.state == RunState.RUNNING else RunState.QUEUED
    Run.objects.filter(pk=run.pk).update(state=state, items_failed=F("items_failed") - count, finished_at=None)


CONTROLS: dict[str, Callable[..., Any]] = {
    "pause": pause,
    "resume": resume,
    "cancel": cancel,
    "retry": retry_failed,
}


def _stop(run: Run, allowed: Sequence[RunState], ways: Ways, *, verb: str, by: User | None, door: Door) -> None:
    with transaction.atomic():
        # Nobody claims an item while the run is locked.
        Run.objects.select_for_update().get(pk=run.pk)
        at_work = WorkItem.objects.filter(run=run, state=ItemState.LEASED).exists()
        _move(run, allowed, ways[at_work], verb=verb, by=by, door=door)
    run.refresh_from_db()


def _move(run: Run, allowed: Sequence[RunState], target: RunState, *, verb: str, by: User | None, door: Door) -> None:
    now = Run.objects.select_for_update().get(pk=run.pk)
    if now.state not in allowed:
        raise NotNow(f"run {run.pk} is {now.get_state_display()}; it cannot be changed to {target.label}")
    if now.state != target:
        before = {"state": now.state, "finished_at": now.finished_at}
        after = {"state": str(target), "finished_at": timezone.now() if target == RunState.CANCELLED else None}
        Run.objects.filter(pk=run.pk).update(**after)
        record(verb, [Change(run, before, after)], by=by, door=door)
