"""The engine: one event loop that claims items, runs their steps in a sliding window and saves their outcomes."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone

from llm.catalog import load_catalog
from runs import leases
from runs.asking import Desk
from runs.doing import Work, do_item, give_back
from runs.kinds import kind_named
from runs.models import ItemState, Run, RunState, WorkItem
from runs.pricing import cost_of_item
from runs.writing import Tally, Writer

logger = logging.getLogger(__name__)
TICK_S = 0.2
RENEW_EVERY_S = 20.0
SAMPLE_EVERY_S, SAMPLES_KEPT = 2.0, 60
Report = Callable[[Run], None]


async def work_on(run: Run, *, seconds: float | None = None, report: Report | None = None) -> None:
    """Work on a run until nothing is left to claim, it is told to stop, or the time is up."""
    catalog = load_catalog(settings.MODELS_FILE).with_overrides(run.parameters.get("roles", {}))
    writer = Writer(run)
    desk = Desk(catalog=catalog, writer=writer, draw=int(run.parameters.get("draw", 0)))
    # As wide as the cores; the threads live as long as the pool, which the sandbox's launcher relies on.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="programs") as programs:
        work = Work(kind=kind_named(run.kind), desk=desk, writer=writer, programs=programs)
        try:
            await _window(work, seconds=seconds, report=report)
        finally:
            await _abandon(work)
            await desk.close()
            await writer.close()


async def _window(work: Work, *, seconds: float | None, report: Report | None) -> None:
    """Keep the window of items full until there is a reason to stop, then let what is in flight be written."""
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    next_tick, next_renewal, exhausted = 0.0, time.monotonic() + RENEW_EVERY_S, False
    await _begin(work)
    while True:
        now = time.monotonic()
        if now >= next_tick:
            next_tick = now + TICK_S
            await work.writer.do(partial(_sample_rate, work.writer.run))
            if report is not None:
                report(work.writer.run)
        if now >= next_renewal:
            next_renewal = now + RENEW_EVERY_S
            items = list(work.tasks.values())
            await work.writer.do(partial(_renew, items))
        if work.writer.run.state != RunState.RUNNING or now >= deadline:
            work.desk.stopping = True
        if work.writer.run.state == RunState.CANCELLING:
            break
        if not work.desk.stopping and not work.over_budget and not exhausted:
            exhausted = not await _fill(work)
        if not work.tasks:
            break
        await asyncio.wait(work.tasks, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
        work.tasks = {task: item for task, item in work.tasks.items() if not task.done()}
        exhausted = exhausted and bool(work.tasks)
    if report is not None:
        await work.writer.do(_look)
        report(work.writer.run)
    await _close_run(work)


async def _begin(work: Work) -> None:
    def begin(tally: Tally) -> None:
        Run.objects.filter(pk=work.writer.run.pk, state=RunState.QUEUED).update(state=RunState.RUNNING, note="")

    await work.writer.do(begin)


def _renew(items: list[WorkItem], tally: Tally) -> None:
    leases.renew(items, at=timezone.now())


def _sample_rate(run: Run, tally: Tally) -> None:
    """Note how many items have ended by now, for the page's rate; the writer brings the run's present row back."""
    samples, now = run.rate_samples, time.time()
    if not samples or now - samples[-1][0] >= SAMPLE_EVERY_S:
        ended = run.items_total - run.items_open
        Run.objects.filter(pk=run.pk).update(rate_samples=[*samples, [round(now, 1), ended]][-SAMPLES_KEPT:])


def _look(tally: Tally) -> None:
    """No work of its own: the writer brings the run's present row back after every transaction."""


async def _fill(work: Work) -> bool:
    """Claim items for the free places; False when there is none left to claim."""
    room = settings.RUN_WINDOW - len(work.tasks)
    # Claiming one by one would cost a transaction an item; a quarter of the window is worth one.
    if work.tasks and room < settings.RUN_WINDOW // 4:
        return True
    count = 1 if work.budget_is_tight else room
    claimed = await work.writer.do(lambda tally: leases.claim(work.writer.run, count, at=timezone.now()))
    for number, item in enumerate(claimed):
        if not await _reserve(work, item):
            await give_back(work, claimed[number:])
            # What is in flight usually costs less than was set aside for it; only when nothing is, the money is spent.
            work.budget_is_tight, work.over_budget = True, not work.tasks
            return not work.over_budget
        work.tasks[asyncio.create_task(do_item(work, item))] = item
    return bool(claimed)


async def _reserve(work: Work, item: WorkItem) -> bool:
    """Set the item's expected cost aside; False when the budget no longer holds it."""
    if work.writer.run.budget is None:
        return True
    expected = cost_of_item(work.kind, item.payload, work.desk.catalog)

    def reserve(tally: Tally) -> bool:
        run = Run.objects.select_for_update().get(pk=work.writer.run.pk)
        if run.budget is not None and run.spent + run.reserved + tally.spent + tally.reserved + expected > run.budget:
            return False
        tally.reserved += expected
        return True

    fits = await work.writer.do(reserve)
    if fits:
        work.reserved[item.pk] = expected
    return fits


async def _abandon(work: Work) -> None:
    """Drop what is still in flight (a cancelled run, or an error of ours) and free its leases."""
    left = list(work.tasks.items())
    for task, _ in left:
        task.cancel()
    await asyncio.gather(*(task for task, _ in left), return_exceptions=True)
    for question in list(work.desk.in_flight.values()):
        question.cancel()
    await asyncio.gather(*work.desk.in_flight.values(), return_exceptions=True)
    if left:
        await give_back(work, [item for _, item in left])


async def _close_run(work: Work) -> None:
    """Move the run to where it now stands."""

    def close(tally: Tally) -> None:
        run = Run.objects.select_for_update().get(pk=work.writer.run.pk)
        open_items = WorkItem.objects.filter(run=run, state__in=[ItemState.PENDING, ItemState.LEASED])
        columns: dict[str, Any] = {}
        if run.state == RunState.CANCELLING:
            columns = {"state": RunState.CANCELLED, "finished_at": timezone.now()}
        elif not open_items.exists():
            columns = _ending(run, tally)
        elif run.state == RunState.PAUSING or work.desk.broken:
            columns = {"state": RunState.PAUSED, "note": work.desk.broken or run.note}
        elif work.over_budget:
            columns = {"state": RunState.OVER_BUDGET, "note": f"the budget of {run.budget} USD holds no further item"}
        if columns:
            Run.objects.filter(pk=run.pk).update(**columns)

    await work.writer.do(close)


def _ending(run: Run, tally: Tally) -> dict[str, Any]:
    failed_only = run.items_failed + tally.counts["items_failed"] > 0 and run.items_done == 0
    state = RunState.FAILED if failed_only else RunState.DONE
    return {"state": state, "finished_at": timezone.now(), "reserved": Decimal(0)}
