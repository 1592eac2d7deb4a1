"""Paired measurements: ours and a peer by turns in one run, so that a slow minute of the machine meets both."""

import statistics
import time
from collections.abc import Callable

Measure = Callable[[], float]


def interleaved(ours: Measure, peer: Measure, *, rounds: int) -> tuple[float, float]:
    """The medians of both; who goes first changes with each round."""
    seen: dict[Measure, list[float]] = {ours: [], peer: []}
    for number in range(rounds):
        for measure in (ours, peer) if number % 2 == 0 else (peer, ours):
            seen[measure].append(measure())
    return statistics.median(seen[ours]), statistics.median(seen[peer])


def timed(work: Callable[[], object]) -> Measure:
    """Measures the seconds that the work takes."""

    def seconds() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return seconds
