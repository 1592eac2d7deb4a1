"""The engine: one event loop that claims items, runs their steps in a sliding window and saves their outcomes."""

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from llm.catalog import load_catalog
from llm.entries import CatalogError
from runs import leases, workers
from runs.desk import WAITING, Desk
from runs.doing import Work, do_item, give_back
from runs.kinds import UnknownKind, kind_named, models_asked
from runs.models import ACTIVE_STATES, ItemState, Run, RunState, Worker, WorkItem
from runs.pricing import cost_of_item
from runs.spool import Spool, SpoolFull
from runs.workers import SUSPECT_AFTER
from runs.writing import Tally, Writer, patiently

logger = logging.getLogger(__name__)
TICK_S = 0.2
RENEW_EVERY_S = 20.0
SAMPLE_EVERY_S, SAMPLES_KEPT = 2.0, 60
# Items in hand for each question in flight: the others are being looked up, written down or saved meanwhile.
ITEMS_PER_PLACE = 3
# A worker makes many objects that live for a second or two and hardly any that refer to each other in a circle.
COLLECT_AFTER = 50_000
ENDING = (signal.SIGTERM, signal.SIGINT)
Report = Callable[[Run], None]


async def work_on(run: Run, *, seconds: float | None = None, report: Report | None = None) -> bool:
    """Work on a run until nothing is left to claim, it is told to stop, or the time is up.

    True when the whole process was asked to end meanwhile.
    """
    async with AsyncExitStack() as stack:
        writer = Writer(run)
        stack.push_async_callback(writer.close)
        try:
            await writer.apart(_bury_dead)
            kind = kind_named(run.kind)
            catalog = load_catalog(settings.MODELS_FILE).with_overrides(run.parameters.get("roles", {}))
            models = models_asked(kind, run.parameters, catalog)
            spool = Spool(workers.spool_folder(), uuid4().hex)
        except (CatalogError, UnknownKind, SpoolFull) as error:
            await writer.do(partial(_put_aside, run, str(error)), locks_run=True)
            return False
        worker = await writer.do(lambda tally: workers.register(run, spool.name))
        stack.push_async_callback(_retire, writer, worker, spool)
        desk = Desk(catalog, writer, worker, spool, draw=int(run.parameters.get("draw", 0)))
        cores = os.cpu_count() or 1
        # As wide as the cores; the threads live as long as the pool, which the sandbox's launcher relies on.
        programs = stack.enter_context(ThreadPoolExecutor(max_workers=cores, thread_name_prefix="programs"))
        work = Work(kind, models, desk, writer, programs=programs, cores=asyncio.Semaphore(cores))
        stack.push_async_callback(desk.close)
        stack.push_async_callback(_abandon, work)
        stack.enter_context(_polite_end(desk))
        stack.enter_context(_rare_collections())
        await _window(work, seconds=seconds, report=report)
    return desk.told_to_end


async def _retire(writer: Writer, worker: Worker, spool: Spool) -> None:
    """The worker ends: its row and its spool go, unless something of it could not be written down."""
    await writer.do(lambda tally: None)
    if spool.close():
        await writer.do(lambda tally: worker.delete())


@contextmanager
def _polite_end(desk: Desk) -> Iterator[None]:
    """A request to end (SIGTERM, Ctrl-C) lets what is in flight be written, as a pause does; a second Ctrl-C does not.

    A worker of a broker ignores Ctrl-C, because its main process passes on what it means.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    heeded = {number: handler for number in ENDING if (handler := signal.getsignal(number)) != signal.SIG_IGN}

    def end(number: signal.Signals) -> None:
        desk.end()
        if number == signal.SIGINT:
            logger.warning("what is in flight is waited for; Ctrl-C once more drops it")
            loop.remove_signal_handler(number)

    for number in heeded:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    finally:
        for number, handler in heeded.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage more rarely: by Python's usual measure that takes a tenth of all a worker computes."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _window(work: Work, *, seconds: float | None, report: Report | None) -> None:
    """Keep the window of items full until there is a reason to stop, then let what is in flight be written."""
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    next_tick, next_renewal, exhausted = 0.0, time.monotonic() + RENEW_EVERY_S, False
    await work.writer.do(partial(_begin, work.writer.run), locks_run=True)
    while work.writer.run.state not in (RunState.CANCELLING, RunState.CANCELLED):
        now = time.monotonic()
        if now >= next_tick:
            next_tick = now + TICK_S
            # Any transaction brings back whether the run is to pause; a quiet moment needs one of its own.
            if now >= work.writer.seen_at + TICK_S or _sample_is_due(work.writer.run):
                await work.writer.do(partial(_sample_rate, work.writer.run))
            if report is not None:
                report(work.writer.run)
        if now >= next_renewal:
            next_renewal = now + RENEW_EVERY_S
            # A sign of life for our own items, and an eye on those of workers that died.
            await work.writer.do(partial(_renew, list(work.tasks.values())))
            await work.writer.apart(_bury_dead)
        if work.writer.run.state != RunState.RUNNING or now >= deadline:
            work.desk.stop()
        if not work.desk.stopping and not exhausted:
            exhausted = not await _fill(work)
        if not work.tasks and (exhausted or work.desk.stopping):
            await work.desk.settled()
            break
        await _something_ends(work)
        exhausted = exhausted and bool(work.tasks)
    await work.writer.do(partial(_close_run, work), locks_run=True)
    if report is not None:
        report(work.writer.run)


async def _something_ends(work: Work) -> None:
    """Wait a moment for an item to end; an item that could not even be written down ends the slice."""
    if not work.tasks:
        await asyncio.sleep(TICK_S)  # what is left waits for money that other workers have set aside
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(work.some_ended.wait(), TICK_S)
    work.some_ended.clear()
    for task in [task for task in work.tasks if task.done()]:
        task.result()
        del work.tasks[task]


def _begin(run: Run, tally: Tally) -> None:
    Run.objects.filter(pk=run.pk, state=RunState.QUEUED).update(state=RunState.RUNNING, note="")


def _put_aside(run: Run, why: str, tally: Tally) -> None:
    Run.objects.filter(pk=run.pk, state__in=ACTIVE_STATES).update(state=RunState.PAUSED, note=why)


def _renew(items: list[WorkItem], tally: Tally) -> None:
    leases.renew(items, at=timezone.now())


def _bury_dead() -> None:
    patiently(lambda: workers.bury_dead(at=timezone.now()))


def _sample_is_due(run: Run) -> bool:
    return not run.rate_samples or time.time() - run.rate_samples[-1][0] >= SAMPLE_EVERY_S


def _sample_rate(run: Run, tally: Tally) -> None:
    """Note how many items have ended by now, for the page's rate; the writer brings the run's present row back."""
    if _sample_is_due(run):
        ended = run.items_total - run.items_open
        tally.columns["rate_samples"] = [*run.rate_samples, [round(time.time(), 1), ended]][-SAMPLES_KEPT:]


async def _fill(work: Work) -> bool:
    """Claim items for the free places; False when there is none left to claim, or no money for one."""
    window = _window_size(work)
    room = window - len(work.tasks)
    # Claiming one by one would cost a transaction an item; an eighth of the window is worth one.
    if work.tasks and (room < window // 8 or _has_a_suspect(work)):
        return True

    def price(item: WorkItem) -> Decimal:
        return cost_of_item(work.kind, item.payload, work.desk.catalog)

    def claim(tally: Tally) -> leases.Claimed:
        now, alone = timezone.now(), not work.tasks
        return leases.claim(work.desk.worker, room, at=now, price=price, spent=tally.spent, alone=alone)

    claimed = await work.writer.do(claim, locks_run=True)
    for item in claimed.items:
        task = asyncio.create_task(do_item(work, item))
        task.add_done_callback(lambda _: work.some_ended.set())
        work.tasks[task] = item
    work.writer.items_in_hand = len(work.tasks)
    work.over_budget = claimed.over_budget
    return bool(claimed.items) or claimed.waiting


def _window_size(work: Work) -> int:
    """Items in hand: enough that every place at the endpoints is taken while others are looked up and written down."""
    places = {model.endpoint.name: work.desk.throttle(model.endpoint).limit for model in work.models}
    wanted = int(sum(places.values()) * ITEMS_PER_PLACE) + 16
    return min(int(settings.RUN_WINDOW), wanted)


def _has_a_suspect(work: Work) -> bool:
    """Whether an item is in work whose workers died again and again: it is done alone."""
    return any(item.attempts > SUSPECT_AFTER for item in work.tasks.values())


async def _abandon(work: Work) -> None:
    """Drop what is still in flight (a cancelled run, or an error of ours) and free its leases."""
    left = list(work.tasks.items())
    for task, _ in left:
        task.cancel()
    await asyncio.gather(*(task for task, _ in left), return_exceptions=True)
    for question in list(work.desk.in_flight.values()):
        question.cancel()
    await work.desk.settled()
    await asyncio.gather(*(give_back(work, item) for _, item in left))


def _close_run(work: Work, tally: Tally) -> None:
    """Move the run to where it now stands."""
    run = Run.objects.select_for_update().get(pk=work.writer.run.pk)
    columns = _standing(work, run)
    if columns:
        Run.objects.filter(pk=run.pk).update(**columns)


def _standing(work: Work, run: Run) -> dict[str, Any]:
    items = WorkItem.objects.filter(run=run)
    held = items.filter(state=ItemState.LEASED).exists()
    if run.state == RunState.CANCELLING:
        return {"state": RunState.CANCELLED, "finished_at": timezone.now(), "reserved": Decimal(0)}
    if run.state not in (*ACTIVE_STATES, RunState.PAUSING):
        return {}
    if not held and not items.filter(state=ItemState.PENDING).exists():
        failed_only = run.items_failed > 0 and run.items_done == 0
        state = RunState.FAILED if failed_only else RunState.DONE
        note = "" if run.note.startswith(WAITING) else run.note
        return {"state": state, "finished_at": timezone.now(), "reserved": Decimal(0), "note": note}
    if run.state == RunState.PAUSING or work.desk.broken:
        # Items that another worker holds are let run on first.
        stopped = {"state": RunState.PAUSING} if held else {"state": RunState.PAUSED, "reserved": Decimal(0)}
        return stopped | {"note": work.desk.broken or run.note}
    # Somebody may have raised it since.
    if work.over_budget is not None and run.budget == work.over_budget and not held:
        note = f"the budget of {run.budget} USD holds no further item"
        return {"state": RunState.OVER_BUDGET, "reserved": Decimal(0), "note": note}
    return {}
