"""Database work of one event loop: done in a thread of its own, many small pieces to one transaction."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection, connections, transaction

from runs.models import EndpointBucket, Run
from runs.outcomes import Outcome

Argument = TypeVar("Argument")
Result = TypeVar("Result")
# Long enough to gather what a busy loop produces, short enough that SQLite's other writers get their turn. The more
# items are in hand, the longer is gathered: a transaction costs as much as a dozen pieces.
PIECES_AT_ONCE, GATHER_S, GATHER_S_PER_ITEM = 200, 0.15, 0.0002
# Pieces that keep nothing safe, because what they write can be made again from the ledger, are gathered for longer.
UNHURRIED_S, UNHURRIED_S_PER_ITEM = 0.5, 0.0005
# How long a deadlock, a held lock or a database that restarts is waited out before anyone hears of it.
PATIENCE_S, POLL_S = 60.0, 0.1
DATABASE_AWAY = (OperationalError, InterfaceError)


@dataclass
class Tally:
    """What the pieces of one transaction add to the run's counters, and the columns they set."""

    counts: Counter[str] = field(default_factory=Counter)
    spent: Decimal = Decimal(0)
    columns: dict[str, Any] = field(default_factory=dict)

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Add what attempts brought: answers with their cost, errors, and questions nobody knows the fate of."""
        for outcome in outcomes:
            self.spent += outcome.cost or 0
            if outcome.response is not None:
                self.counts["calls"] += 1
            elif outcome.error_kind == "unknown":
                self.counts["calls_lost"] += 1
            elif outcome.error_kind != "not_sent":
                self.counts["calls_failed"] += 1

    def apply(self, run_id: int) -> None:
        """Add everything to the run, last in the transaction: its row is locked but briefly."""
        added: dict[str, int | Decimal] = {name: number for name, number in self.counts.items() if number}
        if self.spent:
            added["spent"] = self.spent
        if added:
            changes = ", ".join(f"{name} = {name} + %s" for name in added)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE runs_run SET {changes} WHERE id = %s",  # noqa: S608  # names of columns
                    [*added.values(), run_id],
                )
        if self.columns:
            Run.objects.filter(pk=run_id).update(**self.columns)


Work = Callable[[Tally, list[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Work
    argument: Any
    done: "asyncio.Future[Any]"
    locks_run: bool


class Writer:
    """Takes pieces of database work from coroutines; each gets its result once it is committed.

    A piece may be carried out more than once before it is committed, so it changes nothing but rows and its tally.
    After every transaction `run` holds the run's row and `endpoints` the endpoints' rows as they then stood, at the
    time `seen_at` of the monotonic clock.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.endpoints: dict[str, EndpointBucket] = {}
        self.seen_at = 0.0
        self.items_in_hand = 0
        self._waiting: list[_Waiting] = []
        self._unhurried: list[_Waiting] = []
        self._given_up = False  # the database has been away for too long: nobody waits for it again
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._task = asyncio.create_task(self._write())

    async def do(self, piece: Callable[[Tally], Result], *, locks_run: bool = False) -> Result:
        """Carry out one piece within the next transaction.

        `locks_run` puts it behind the others: every transaction locks the run's row last, so that no two workers
        wait for each other.
        """
        one = _waiting(lambda tally, _: [piece(tally)], None, locks_run=locks_run)
        self._hand_in([one])
        result: Result = await one.done
        return result

    def together(
        self, work: Callable[[Tally, list[Argument]], Sequence[Result]], argument: Argument, *, unhurried: bool = False
    ) -> "asyncio.Future[Result]":
        """Hand in one argument of work that is done for many at once: the next transaction gives all that wait for
        the same `work` to one call of it, in the order they came, and each gets its own result.

        Arguments handed in without an `await` in between are written in that order. `unhurried` ones wait a moment
        longer, so that there are more of them.
        """
        one = _waiting(work, argument)
        if not unhurried:
            self._hand_in([one])
            return one.done
        if not self._unhurried:
            moment_s = min(UNHURRIED_S, UNHURRIED_S_PER_ITEM * self.items_in_hand)
            asyncio.get_running_loop().call_later(moment_s, self._hurry)
        self._unhurried.append(one)
        return one.done

    def _hurry(self) -> None:
        ones, self._unhurried = self._unhurried, []
        self._hand_in(ones)

    def _hand_in(self, ones: list[_Waiting]) -> None:
        self._waiting.extend(ones)
        self._wake.set()
        if len(self._waiting) >= PIECES_AT_ONCE:
            self._full.set()

    async def apart(self, work: Callable[[], Result]) -> Result:
        """Do work that brings its own transactions, between two of ours."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Write what is still waiting, then give the thread and its connection back."""
        self._hurry()
        try:
            await self.do(lambda tally: None)
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(self._thread, connections.close_all)
            self._thread.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), min(GATHER_S, GATHER_S_PER_ITEM * self.items_in_hand))
            batch, self._waiting = self._waiting[:PIECES_AT_ONCE], self._waiting[PIECES_AT_ONCE:]
            if not self._waiting:
                self._wake.clear()
            if len(self._waiting) < PIECES_AT_ONCE:
                self._full.clear()
            batch.sort(key=lambda one: one.locks_run)
            groups = _grouped(batch)
            outcomes = await asyncio.shield(loop.run_in_executor(self._thread, self._commit, groups))
            for one, outcome in zip(chain.from_iterable(groups), outcomes, strict=True):
                _deliver(one.done, outcome)

    def _commit(self, groups: list[list[_Waiting]]) -> list[Any]:
        give_up_at = time.monotonic() + (0.0 if self._given_up else PATIENCE_S)
        try:
            outcomes = patiently(partial(self._in_one_transaction, groups), give_up_at=give_up_at)
        except Exception as error:  # noqa: BLE001  # told to whom it concerns
            self._given_up = isinstance(error, DATABASE_AWAY) and not self._database_answers()
            if self._given_up:
                return [error for _ in chain.from_iterable(groups)]
            # One piece spoilt it for all: each alone, so that only its owner hears of it.
            return [self._alone(one, give_up_at) for one in chain.from_iterable(groups)]
        self._given_up = False
        return outcomes

    def _database_answers(self) -> bool:
        try:
            with transaction.atomic():
                return Run.objects.filter(pk=self.run.pk).exists()
        except DATABASE_AWAY:
            return False

    def _alone(self, one: _Waiting, give_up_at: float) -> Any:
        try:
            return patiently(partial(self._in_one_transaction, [[one]]), give_up_at=give_up_at)[0]
        except Exception as error:  # noqa: BLE001  # whatever went wrong is delivered to the piece that caused it
            return error

    def _in_one_transaction(self, groups: list[list[_Waiting]]) -> list[Any]:
        tally = Tally()
        with transaction.atomic():
            outcomes: list[Any] = []
            for group in groups:
                outcomes.extend(group[0].work(tally, [one.argument for one in group]))
            tally.apply(self.run.pk)
            self.run = _present(self.run)
            endpoints = EndpointBucket.objects.raw("SELECT * FROM runs_endpointbucket")
            self.endpoints = {row.endpoint: row for row in endpoints}
        self.seen_at = time.monotonic()
        return outcomes


def _present(run: Run) -> Run:
    """The run's row as it now stands. Written out, because putting a query together costs more than to carry it out."""
    for row in Run.objects.raw("SELECT * FROM runs_run WHERE id = %s", [run.pk]):
        return row
    raise Run.DoesNotExist(f"{run} is gone")


def _waiting(work: Work, argument: Any, *, locks_run: bool = False) -> _Waiting:
    return _Waiting(work, argument, asyncio.get_running_loop().create_future(), locks_run)


def patiently(work: Callable[[], Result], *, give_up_at: float | None = None) -> Result:
    """Do database work; when a lock is held or the database is away, once more on a fresh connection, for a minute.

    A connection that breaks in a commit leaves open whether it was one, so work that is done twice has to do no harm.
    """
    last = time.monotonic() + PATIENCE_S if give_up_at is None else give_up_at
    while True:
        try:
            return work()
        except DATABASE_AWAY:
            connections.close_all()
            if time.monotonic() > last:
                raise
            time.sleep(POLL_S)


def _grouped(batch: list[_Waiting]) -> list[list[_Waiting]]:
    """What is done together, together; groups in the order of their first, and those that lock the run last."""
    groups: dict[int, list[_Waiting]] = {}
    for one in batch:
        groups.setdefault(id(one.work), []).append(one)
    return list(groups.values())


def _deliver(done: "asyncio.Future[Any]", outcome: Any) -> None:
    if done.done():  # its coroutine was cancelled meanwhile
        return
    if isinstance(outcome, StopIteration):  # no future takes one, and the writer must not end over it
        outcome = RuntimeError(f"a piece of database work raised {outcome!r}")
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
