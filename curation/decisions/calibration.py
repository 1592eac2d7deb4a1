"""What a template's levels are worth by people's verdicts: isotonic regression of the verdict on the level."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curation.scores.linking import DIGITS, LEVELS

# Below this many verdicts a table would be noise.
LEAST_VERDICTS = 30


@dataclass(frozen=True, slots=True)
class CalibrationTable:
    """For level 1–5: the level that people give such a query on average, never falling; from how many verdicts."""

    table: tuple[float, ...]
    counts: tuple[int, ...]

    def worth_of(self, level: int) -> float:
        return self.table[level - 1]

    @property
    def n(self) -> int:
        return sum(self.counts)


def calibrate(verdicts: Iterable[tuple[int, float, float]]) -> CalibrationTable | None:
    """The table from (the template's level, the person's level, sampling weight); None below 30 verdicts."""
    sums, weights, counts = defaultdict[int, float](float), defaultdict[int, float](float), defaultdict[int, int](int)
    for level, value, weight in verdicts:
        sums[level] += weight * value
        weights[level] += weight
        counts[level] += 1
    if sum(counts.values()) < LEAST_VERDICTS:
        return None
    seen = [level for level in LEVELS if weights[level] > 0]
    fitted = isotonic([sums[level] / weights[level] for level in seen], [weights[level] for level in seen])
    points = tuple(round(_between(level, seen, fitted), DIGITS) for level in LEVELS)
    return CalibrationTable(points, tuple(counts[level] for level in LEVELS))


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The rising sequence with the least weighted squares, by pooling adjacent violators."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many values
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (mean_b, weight_b, size_b), (mean_a, weight_a, size_a) = pools.pop(), pools.pop()
            together = weight_a + weight_b
            pools.append(((mean_a * weight_a + mean_b * weight_b) / together, together, size_a + size_b))
    return [mean for mean, _, size in pools for _ in range(size)]


def _between(level: int, seen: Sequence[int], fitted: Sequence[float]) -> float:
    """The fitted value of a level; one that nobody judged lies between its neighbours, or at the nearest."""
    below = max((place for place, known in enumerate(seen) if known <= level), default=0)
    above = min((place for place, known in enumerate(seen) if known >= level), default=len(seen) - 1)
    if seen[below] == seen[above]:
        return fitted[below]
    way = (level - seen[below]) / (seen[above] - seen[below])
    return fitted[below] + way * (fitted[above] - fitted[below])
