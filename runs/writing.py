"""Database work of one event loop: done in a thread of its own, many small pieces to one transaction."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.models import F

from runs.models import Run

Result = TypeVar("Result")
# Long enough to gather what a busy loop produces, short enough that SQLite's other writers get their turn.
PIECES_AT_ONCE = 200
# How long a deadlock, a held lock or a database that restarts is waited out before anyone hears of it.
PATIENCE_S, POLL_S = 20.0, 0.1


@dataclass
class Tally:
    """What the pieces of one transaction add to the run's counters, and the columns they set."""

    counts: Counter[str] = field(default_factory=Counter)
    spent: Decimal = Decimal(0)
    columns: dict[str, Any] = field(default_factory=dict)

    def apply(self, run_id: int) -> None:
        """Add everything to the run in one statement, the last of the transaction: its row is locked but briefly."""
        changes: dict[str, Any] = {name: F(name) + number for name, number in self.counts.items() if number}
        if self.spent:
            changes["spent"] = F("spent") + self.spent
        changes |= self.columns
        if changes:
            Run.objects.filter(pk=run_id).update(**changes)


Piece = Callable[[Tally], Any]


@dataclass(frozen=True, slots=True)
class _Waiting:
    piece: Piece
    done: "asyncio.Future[Any]"
    locks_run: bool


class Writer:
    """Takes pieces of database work from coroutines; each gets its result once it is committed.

    A piece may be carried out more than once before it is committed, so it changes nothing but rows and its tally.
    After every transaction `run` holds the run's row as it then stood.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._task = asyncio.create_task(self._write())

    async def do(self, piece: Callable[[Tally], Result], *, locks_run: bool = False) -> Result:
        """Carry out one piece within the next transaction.

        `locks_run` puts it behind the others: every transaction locks the run's row last, so that no two workers
        wait for each other.
        """
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(piece, done, locks_run))
        self._wake.set()
        return await done

    async def close(self) -> None:
        """Write what is still waiting, then give the thread and its connection back."""
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
            batch, self._waiting = self._waiting[:PIECES_AT_ONCE], self._waiting[PIECES_AT_ONCE:]
            if not self._waiting:
                self._wake.clear()
            batch.sort(key=lambda one: one.locks_run)
            pieces = [one.piece for one in batch]
            outcomes = await asyncio.shield(loop.run_in_executor(self._thread, self._commit, pieces))
            for one, outcome in zip(batch, outcomes, strict=True):
                _deliver(one.done, outcome)

    def _commit(self, pieces: list[Piece]) -> list[Any]:
        give_up_at = time.monotonic() + PATIENCE_S
        try:
            return self._patiently(pieces, give_up_at)
        except Exception:  # noqa: BLE001  # one piece spoilt it for all: each alone, so that only its owner hears of it
            return [self._alone(piece, give_up_at) for piece in pieces]

    def _alone(self, piece: Piece, give_up_at: float) -> Any:
        try:
            return self._patiently([piece], give_up_at)[0]
        except Exception as error:  # noqa: BLE001  # whatever went wrong is delivered to the piece that caused it
            return error

    def _patiently(self, pieces: list[Piece], give_up_at: float) -> list[Any]:
        while True:
            try:
                return self._in_one_transaction(pieces)
            except (OperationalError, InterfaceError):
                # Nothing was written: the same once more, on a fresh connection.
                connections.close_all()
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(POLL_S)

    def _in_one_transaction(self, pieces: list[Piece]) -> list[Any]:
        tally = Tally()
        with transaction.atomic():
            outcomes = [piece(tally) for piece in pieces]
            tally.apply(self.run.pk)
            self.run = Run.objects.get(pk=self.run.pk)
        return outcomes


def _deliver(done: "asyncio.Future[Any]", outcome: Any) -> None:
    if done.done():  # its coroutine was cancelled meanwhile
        return
    if isinstance(outcome, StopIteration):  # no future takes one, and the writer must not end over it
        outcome = RuntimeError(f"a piece of database work raised {outcome!r}")
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
