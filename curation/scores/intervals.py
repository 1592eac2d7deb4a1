"""Bootstrap intervals of agreement, from counts: the price does not grow with the number of queries.

The bootstrap is Rubin's (1981, "The Bayesian Bootstrap"): instead of drawing how often each query comes again, which
gives whole numbers, each query gets a random weight, and the weights of a cell of n equal queries add up to a draw from
a gamma distribution with shape n. One draw a cell is enough, and the standard library has it.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist
from typing import TypeVar

from curation.scores.agreement import MEASURES

# Queries that are alike in all that a measure looks at.
Cell = TypeVar("Cell", bound=tuple[int, ...])
DRAWS = 200
LEVEL = 0.95
SEED = 20240214


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure with its 95 % interval; `low` and `high` are None where too few draws gave a value."""

    value: float | None
    low: float | None = None
    high: float | None = None


def figures(pairs: Mapping[tuple[int, int], int]) -> dict[str, Figure]:
    """All measures of agreement with their intervals; the same counts give the same intervals."""
    return dict(_figures(tuple(sorted(pairs.items()))))


@lru_cache(maxsize=256)
def _figures(counts: tuple[tuple[tuple[int, int], int], ...]) -> dict[str, Figure]:
    pairs = dict(counts)
    drawn = bootstrapped(pairs, MEASURES, rng=random.Random(SEED))
    return {name: Figure(measure(pairs), *drawn[name]) for name, measure in MEASURES.items()}


def wilson(part: int, n: int) -> Figure:
    """A share with Wilson's interval, which holds near 0 and 1 too; the value is None of nothing."""
    if not n:
        return Figure(None)
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share, room = part / n, 1 + z * z / n
    middle, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Figure(share, max(0.0, (middle - half) / room), min(1.0, (middle + half) / room))


def spread_of(levels: Mapping[int, int]) -> Figure:
    """The standard deviation of levels, from their counts."""
    counts: dict[tuple[int, ...], int] = {(level,): count for level, count in levels.items() if count}
    if not counts:
        return Figure(None)
    measures: dict[str, Callable[[Mapping[tuple[int, ...], float]], float | None]] = {"spread": _spread}
    drawn = bootstrapped(counts, measures, rng=random.Random(SEED))
    return Figure(_spread(counts), *drawn["spread"])


def _spread(levels: Mapping[tuple[int, ...], float]) -> float:
    n = sum(levels.values())
    mean = sum(level * count for (level,), count in levels.items()) / n
    return sqrt(sum(count * (level - mean) ** 2 for (level,), count in levels.items()) / n)


def bootstrapped(
    pairs: Mapping[Cell, int],
    measures: Mapping[str, Callable[[Mapping[Cell, float]], float | None]],
    *,
    rng: random.Random,
    draws: int = DRAWS,
) -> dict[str, tuple[float | None, float | None]]:
    """The ends of each measure's interval. Of fewer than two queries nothing can be said."""
    n = sum(pairs.values())
    if n < 2:
        return dict.fromkeys(measures, (None, None))
    values: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(draws):
        weights = {pair: rng.gammavariate(count, 1.0) for pair, count in pairs.items() if count}
        scale = n / sum(weights.values())
        drawn = {pair: weight * scale for pair, weight in weights.items()}
        for name, measure in measures.items():
            value = measure(drawn)
            if value is not None:
                values[name].append(value)
    return {name: _ends(found, draws) for name, found in values.items()}


def _ends(values: list[float], draws: int) -> tuple[float | None, float | None]:
    if len(values) < draws // 2:
        return None, None
    values.sort()
    cut = (1 - LEVEL) / 2 * (len(values) - 1)
    return values[round(cut)], values[round(len(values) - 1 - cut)]
