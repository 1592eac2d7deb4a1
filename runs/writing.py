"""Database work of one event loop: done in a thread of its own, many small pieces to one transaction."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.models import F

from runs.models import Run

Result = TypeVar("Result")
# Long enough to gather what a busy loop produces, short enough that SQLite's other writers get their turn.
PIECES_AT_ONCE = 200


@dataclass
class Tally:
    """What the pieces of one transaction add to the run's counters."""

    counts: Counter[str] = field(default_factory=Counter)
    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)

    def apply(self, run_id: int) -> None:
        """Add everything to the run in one statement, the last of the transaction: its row is locked but briefly."""
        changes: dict[str, Any] = {name: F(name) + number for name, number in self.counts.items() if number}
        if self.spent:
            changes["spent"] = F("spent") + self.spent
        if self.reserved:
            changes["reserved"] = F("reserved") + self.reserved
        if changes:
            Run.objects.filter(pk=run_id).update(**changes)


Piece = Callable[[Tally], Any]


class Writer:
    """Takes pieces of database work from coroutines; each gets its result once it is committed.

    After every transaction `run` holds the run's row as it then stood.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._waiting: list[tuple[Piece, asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._task = asyncio.create_task(self._write())

    async def do(self, piece: Callable[[Tally], Result]) -> Result:
        """Carry out one piece within the next transaction."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((piece, done))
        self._wake.set()
        return await done

    async def close(self) -> None:
        """Write what is still waiting, then give the thread and its connection back."""
        while self._waiting:
            await asyncio.sleep(0.01)
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
            if batch:
                outcomes = await asyncio.shield(loop.run_in_executor(self._thread, self._commit, [p for p, _ in batch]))
                for (_, done), outcome in zip(batch, outcomes, strict=True):
                    _deliver(done, outcome)

    def _commit(self, pieces: list[Piece]) -> list[Any]:
        try:
            return self._in_one_transaction(pieces)
        except Exception as error:  # noqa: BLE001  # whatever went wrong is delivered to the piece that caused it
            if len(pieces) == 1:
                return [error]
        # One piece spoilt the transaction for all: each alone, so that only its owner hears of it.
        return [outcome for piece in pieces for outcome in self._commit([piece])]

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
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
