"""What all items of one worker share: connections, the window at each endpoint, the spool, and whether to stop."""

import asyncio
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from llm.catalog import Catalog, Endpoint, Model, api_key
from llm.client import CallFailed, Client
from runs import ledger, rates
from runs.ledger import Stored
from runs.models import Worker
from runs.outcomes import Outcome
from runs.spool import Spool
from runs.throttle import Throttle
from runs.writing import Tally, Writer

# Failures in a row that no other question would escape: the run stops and says why.
BREAKS_AFTER = {
    **{"auth": 3, "bad_request": 10, "broken_reply": 20},
    **{"not_sent": 3, "rate_limited": 20, "server": 20, "unknown": 20},
}
# These say that the models file or the key is wrong, whatever was answered before.
HOPELESS = ("auth", "bad_request", "broken_reply")
# How the note of a run begins that waits for an endpoint.
WAITING = "waiting for an endpoint that answers nobody: "
# An endpoint that has answered anyone within this time is waited for; one that has not is reported at once.
PATIENCE = timedelta(minutes=5)
# Whoever asks for a longer pause than this has nothing to say today: the run pauses and names the wish.
LONGEST_WISH_S = 3600.0
SIGN_OF_LIFE_EVERY = timedelta(seconds=5)


class Interrupted(Exception):
    """The run is pausing or this worker's time is up: the item goes back, the ledger keeps what it has."""


@dataclass(frozen=True, slots=True)
class Settling:
    """An outcome on its way into the database, with its place in the spool."""

    ordinal: int
    outcome: Outcome


@dataclass
class Desk:
    """Shared by all coroutines of one worker."""

    catalog: Catalog
    writer: Writer
    worker: Worker
    spool: Spool
    draw: int = 0
    broken: str = ""
    told_to_end: bool = False
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)
    clients: dict[str, Client] = field(default_factory=dict)
    throttles: dict[str, Throttle] = field(default_factory=dict)
    in_flight: dict[str, "asyncio.Task[Stored]"] = field(default_factory=dict)
    failures_in_a_row: dict[tuple[str, str], int] = field(default_factory=dict)
    jitter: random.Random = field(default_factory=random.Random)
    unwritten: Decimal = Decimal(0)  # cost of answers that are here and not in the database yet

    def __post_init__(self) -> None:
        # One object each, so that the writer knows what may be done together.
        self.look, self.settle, self.take, self.tell = self._look, self._settle, self._take, self._tell
        self.correct = self._correct

    @property
    def stopping(self) -> bool:
        return self.stop_asked.is_set()

    @property
    def spent_up(self) -> bool:
        """Nothing of the budget is left, whatever was estimated; what is in flight may still come on top."""
        run = self.writer.run
        return run.budget is not None and Decimal(0) < run.spent + self.unwritten >= run.budget

    def stop(self, broken: str = "") -> None:
        """Nothing further is sent; `broken` says why no item of this run can go on."""
        self.broken = self.broken or broken
        self.stop_asked.set()

    def end(self) -> None:
        """This process is asked to end."""
        self.told_to_end = True
        self.stop()

    async def rest(self, seconds: float) -> None:
        """Wait, but not a moment longer than the run goes on."""
        try:
            await asyncio.wait_for(self.stop_asked.wait(), timeout=seconds)
        except TimeoutError:
            return
        raise Interrupted("the run stops while this question waits")

    async def client(self, endpoint: Endpoint) -> Client:
        """The connection to an endpoint, made when it is first needed."""
        if endpoint.name not in self.clients:
            self.clients[endpoint.name] = await Client(endpoint, api_key(endpoint, os.environ)).__aenter__()
        return self.clients[endpoint.name]

    def throttle(self, endpoint: Endpoint) -> Throttle:
        """This worker's window at an endpoint."""
        if endpoint.name not in self.throttles:
            self.throttles[endpoint.name] = Throttle(endpoint.concurrency)
        return self.throttles[endpoint.name]

    def pause_s(self, endpoint: Endpoint) -> float:
        """Seconds until the endpoint may be asked again: by its own wish, told to any worker, or after failures."""
        row = self.writer.endpoints.get(endpoint.name)
        wished_s = seconds_left(row.blocked_until, timezone.now()) if row and row.blocked_until else 0.0
        return max(self.throttle(endpoint).pause_s(), wished_s)

    def answered(self, endpoint: Endpoint) -> None:
        """An answer came: the endpoint is well."""
        throttle = self.throttle(endpoint)
        # The first answer of a worker too: another one may have ended in the middle of trouble.
        if (throttle.in_trouble or not throttle.answers) and self.writer.run.note.startswith(WAITING):
            self.writer.together(self.tell, "")
        throttle.answered()
        if self.failures_in_a_row:
            others = {key: n for key, n in self.failures_in_a_row.items() if key[0] != endpoint.name}
            self.failures_in_a_row = others

    def failed(self, model: Model, failure: CallFailed, sent_at: float) -> None:
        """No answer came: slow down, and stop the run when no question can do better."""
        endpoint, throttle = model.endpoint, self.throttle(model.endpoint)
        was_in_trouble = throttle.in_trouble
        throttle.failed(sent_at, failure.kind, failure.retry_after_s)
        if throttle.in_trouble and not was_in_trouble:
            self.writer.together(self.tell, f"{WAITING}{failure}")
        if (failure.retry_after_s or 0.0) > LONGEST_WISH_S:
            self.stop(f"{failure}; it asks for a pause of {failure.retry_after_s:.0f} s: resume the run after that")
        key = (endpoint.name, failure.kind)
        self.failures_in_a_row[key] = self.failures_in_a_row.get(key, 0) + 1
        if self.failures_in_a_row[key] < BREAKS_AFTER.get(failure.kind, float("inf")):
            return
        if failure.kind in HOPELESS or not self._answered_lately(endpoint):
            self.stop(str(failure))

    def _answered_lately(self, endpoint: Endpoint) -> bool:
        row = self.writer.endpoints.get(endpoint.name)
        others = bool(row and row.answered_at and row.answered_at > timezone.now() - PATIENCE)
        return others or self.throttle(endpoint).answered_within(PATIENCE.total_seconds())

    def _look(self, tally: Tally, keys: list[str]) -> list[Stored | None]:
        found = ledger.look(set(keys))
        tally.counts["ledger_hits"] += sum(key in found for key in keys)
        return [found.get(key) for key in keys]

    def _settle(self, tally: Tally, settling: list[Settling]) -> Sequence[tuple[int, bool]]:
        outcomes = [one.outcome for one in settling]
        new = Worker.objects.filter(pk=self.worker.pk, outcomes__lt=settling[0].ordinal)
        if not new.update(outcomes=settling[-1].ordinal):
            # Committed before, though the connection broke before it could say so: counted and paid once.
            written = ledger.settled({one.sent.key for one in outcomes})
            return [written[one.sent.key] for one in outcomes]
        written = ledger.settle(outcomes)
        tally.count(outcomes)
        self._sign_of_life({one.sent.endpoint for one in outcomes if one.response is not None})
        return [written[one.sent.key] for one in outcomes]

    def _take(self, tally: Tally, wanted: list[rates.Wanted]) -> list[float]:
        return rates.take(wanted, at=timezone.now())

    def _correct(self, tally: Tally, taken: list[rates.Wanted]) -> list[None]:
        rates.correct(taken)
        return [None] * len(taken)

    def _tell(self, tally: Tally, notes: list[str]) -> list[None]:
        tally.columns["note"] = notes[-1]
        return [None] * len(notes)

    def _sign_of_life(self, names: set[str]) -> None:
        now = timezone.now()
        rows = [(name, self.writer.endpoints.get(name)) for name in names]
        stale = [n for n, row in rows if not (row and row.answered_at and row.answered_at > now - SIGN_OF_LIFE_EVERY)]
        rates.answered(stale, at=now)

    async def settled(self) -> None:
        """Wait for the questions that are still in flight though the item that asked them has ended."""
        await asyncio.gather(*self.in_flight.values(), return_exceptions=True)

    async def close(self) -> None:
        for client in self.clients.values():
            await client.__aexit__(None, None, None)


def seconds_left(until: datetime, now: datetime) -> float:
    """Seconds of a pause that an endpoint wished for."""
    return max(0.0, (until - now).total_seconds())
