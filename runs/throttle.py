"""How many questions one worker keeps in flight at an endpoint: more while it answers, fewer when it complains.

Additive increase, multiplicative decrease; while nothing but failures come back a circuit breaker lets one question
through at a time, with growing pauses.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

# Where the models file names no concurrency: where to begin, and how far it may grow.
FIRST, MOST = 16, 512
DECREASE = 0.7
# Kinds of failure that tell something about the endpoint; the others tell something about the question.
TELLING = ("rate_limited", "server", "not_sent", "unknown")
# So many in a row, from whichever questions, mean that the pace is wrong, or that the endpoint is in trouble.
COMPLAINT_AFTER, TROUBLE_AFTER = 3, 10
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0


@dataclass
class Throttle:
    """The places of one worker at one endpoint; `async with` takes one. `named`: the concurrency that the models file
    names, if any."""

    named: int | None
    clock: Callable[[], float] = time.monotonic
    in_flight: int = 0
    failures_in_a_row: int = 0
    answers: int = 0
    answered_at: float | None = None
    limit: float = field(init=False)
    _growing_fast: bool = field(default=True, init=False)
    _lowered_at: float = field(default=0.0, init=False)
    _not_before: float = field(default=0.0, init=False)
    _waiting: "deque[asyncio.Future[None]]" = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self.limit = float(self.named or FIRST)

    @property
    def most(self) -> int:
        return self.named or MOST

    @property
    def in_trouble(self) -> bool:
        """Nothing but failures for a while: whoever fails now is not to blame."""
        return self.failures_in_a_row >= TROUBLE_AFTER

    async def __aenter__(self) -> None:
        """Take a place in the window; waits until one is free and the endpoint wants to be asked."""
        while self.in_flight >= max(1, int(self.limit)):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()
                else:
                    self._waiting.remove(turn)
                raise
        self.in_flight += 1

    async def __aexit__(self, *_: object) -> None:
        self.in_flight -= 1
        self._wake()

    def pause_s(self) -> float:
        """Seconds until the next question may leave, when the endpoint is in trouble or asked for a pause."""
        return max(0.0, self._not_before - self.clock())

    def answered_within(self, seconds: float) -> bool:
        """Whether this worker has had an answer lately."""
        return self.answered_at is not None and self.clock() - self.answered_at <= seconds

    def answered(self) -> None:
        """An answer came."""
        self.answers += 1
        self.answered_at = self.clock()
        if self.in_trouble:
            self._growing_fast = True
        self.failures_in_a_row = 0
        self.limit = min(float(self.most), self.limit + (1.0 if self._growing_fast else 1.0 / self.limit))
        self._wake()

    def failed(self, sent_at: float, kind: str, wished_pause_s: float | None = None) -> None:
        """No answer came to a question sent at that time, for a reason of llm.failures.

        Questions that left before the window was last made smaller say nothing new about it, and neither does a
        single error that is no complaint about the pace.
        """
        if kind not in TELLING:
            return
        self.failures_in_a_row += 1
        complains = kind == "rate_limited" or self.failures_in_a_row >= COMPLAINT_AFTER
        if complains and sent_at >= self._lowered_at:
            self.limit = max(1.0, self.limit * DECREASE)
            self._growing_fast, self._lowered_at = False, self.clock()
        if self.in_trouble:
            self.limit = 1.0
            pause_s = FIRST_PAUSE_S * 2 ** min(10, self.failures_in_a_row - TROUBLE_AFTER)
            self._not_before = self.clock() + min(LONGEST_PAUSE_S, pause_s)
        if wished_pause_s is not None:
            self._not_before = max(self._not_before, self.clock() + wished_pause_s)

    def _wake(self) -> None:
        free = max(1, int(self.limit)) - self.in_flight
        while self._waiting and free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
