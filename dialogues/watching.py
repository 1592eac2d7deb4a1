"""How far long work has come, noted now and then."""

import time
from collections.abc import Callable
from typing import Any

EVERY_S = 0.5


class Paced:
    """Calls on with what it is called with, but not more often than every half second."""

    def __init__(self, note: Callable[[int], Any], *, every_s: float = EVERY_S) -> None:
        self._note, self._every_s, self._next = note, every_s, 0.0

    def __call__(self, position: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._every_s
            self._note(position)
