"""How long write transactions of this process last: on SQLite everybody else's writing waits for them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def timed_blocks() -> Iterator[list[float]]:
    """Gives the milliseconds of each outermost transaction, from its first statement to its commit."""
    from django.db import connection

    took: list[float] = []
    began: list[float] = []

    def done() -> None:
        took.append(1000 * (time.perf_counter() - began.pop()))

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if connection.in_atomic_block and not began:
            began.append(time.perf_counter())
            connection.on_commit(done)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield took
