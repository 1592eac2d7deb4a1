"""Bootstrap intervals of agreement, from counts: the price does not grow with the number of queries.

The bootstrap is Rubin's (1981, "The Bayesian Bootstrap"): instead of drawing how often each query comes again, which
gives whole numbers, each query gets a random weight, and the weights of a cell of n equal queries add up to a draw from
a gamma distribution with shape n. One draw a cell is enough, and the standard library has it.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from curation.agreement import MEASURES, Pairs

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


def bootstrapped(
    pairs: Mapping[tuple[int, int], int],
    measures: Mapping[str, Callable[[Pairs], float | None]],
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
