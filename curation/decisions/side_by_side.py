"""Blocks of queries that are written several at a time, where the database can do so."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.db import connection

# While PostgreSQL writes one block, the program prepares the next; more would only take its processors from others.
AT_ONCE = 3


def each_block(blocks: Iterable[list[int]], work: Callable[[list[int]], None]) -> None:
    """Do the work of every block, each in a transaction of its own; what one raises ends the rest.

    One after the other on SQLite, where one writes at a time, and within a transaction of the caller, which no other
    connection sees.
    """
    if connection.vendor == "sqlite" or connection.in_atomic_block:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="blocks") as pool:
        begun: set[Future[None]] = set()
        for block in blocks:
            begun.add(pool.submit(_with_own_connection, work, block))
            if len(begun) == AT_ONCE:
                done, begun = wait(begun, return_when=FIRST_COMPLETED)
                _raise_what_they_raised(done)
        _raise_what_they_raised(begun)


def _with_own_connection(work: Callable[[list[int]], None], block: list[int]) -> None:
    try:
        work(block)
    finally:
        connection.close()


def _raise_what_they_raised(ended: Iterable[Future[None]]) -> None:
    for one in ended:
        one.result()
