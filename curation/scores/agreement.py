"""How far two judges agree, from counts of the pairs of levels they gave. Plain Python over counts, so that the price
does not grow with the number of queries; counts may be weights, as the intervals draw them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import sqrt

from curation.scores.linking import LEVELS

Pairs = Mapping[tuple[int, int], float]
# What is left of a sum that should be 0.
ROUNDING = 1e-12


def matrix(pairs: Mapping[tuple[int, int], int]) -> list[list[int]]:
    """Five rows (A's level) of five counts (B's level)."""
    return [[pairs.get((a, b), 0) for b in LEVELS] for a in LEVELS]


def exact(pairs: Pairs) -> float | None:
    """The share of queries that got the same level twice; None without any."""
    return _share(pairs, 0)


def within_one(pairs: Pairs) -> float | None:
    """The share of queries whose two levels lie at most one apart; None without any."""
    return _share(pairs, 1)


def mean_offset(pairs: Pairs) -> float | None:
    """How many levels the second judge lies above the first, on average; below 0 it rates lower."""
    n = sum(pairs.values())
    return sum([count * (b - a) for (a, b), count in pairs.items()]) / n if n else None


def quadratic_kappa(pairs: Pairs) -> float | None:
    """Cohen's kappa with squared distances as weights: 1 is full agreement, 0 what the margins give by chance.

    None without pairs, and where chance leaves no room for disagreement (both always gave one and the same level).
    """
    n = sum(pairs.values())
    if not n:
        return None
    observed = sum([count * (a - b) ** 2 for (a, b), count in pairs.items()]) / n
    first, second = margins_of(pairs)
    (mean_a, variance_a), (mean_b, variance_b) = _moments([*first.items()], n), _moments([*second.items()], n)
    # The mean squared distance of two independent draws, one from each margin.
    by_chance = variance_a + variance_b + (mean_a - mean_b) ** 2
    return 1 - observed / by_chance if by_chance > ROUNDING else None


def spearman(pairs: Pairs) -> float | None:
    """The correlation of ranks; queries on one level share the middle of their ranks. None where one judge never
    tells queries apart."""
    n = sum(pairs.values())
    first, second = margins_of(pairs)
    rank_a, rank_b = _midranks(first), _midranks(second)
    covariance = sum([count * (rank_a[a] - n / 2) * (rank_b[b] - n / 2) for (a, b), count in pairs.items()])
    spread_a = sum([count * (rank_a[level] - n / 2) ** 2 for level, count in first.items()])
    spread_b = sum([count * (rank_b[level] - n / 2) ** 2 for level, count in second.items()])
    room = sqrt(spread_a * spread_b)
    return covariance / room if room > ROUNDING else None


def ordinal_alpha(pairs: Pairs) -> float | None:
    """Krippendorff's alpha of two judges, with the ordinal distance."""
    met: defaultdict[tuple[int, int], float] = defaultdict(float)
    for (a, b), count in pairs.items():
        met[a, b] += count
        met[b, a] += count
    return alpha_of(met)


def coincidences(units: Mapping[Sequence[int | None], float]) -> dict[tuple[int, int], float]:
    """How often two levels met within a unit, from counts of units that were rated alike; None: not rated."""
    met: defaultdict[tuple[int, int], float] = defaultdict(float)
    for unit, count in units.items():
        levels = Counter(level for level in unit if level is not None)
        others = levels.total() - 1
        if others < 1:
            continue
        for one, times in levels.items():
            for other, times_other in levels.items():
                met[one, other] += count * times * (times_other - (one == other)) / others
    return {pair: count for pair, count in met.items() if count}


def alpha_of(met: Pairs) -> float | None:
    """Krippendorff's alpha from a matrix of coincidences; None without any, or where only one level was given."""
    totals, _ = margins_of(met)
    n = sum(totals.values())
    if n <= 1:
        return None
    # The ordinal distance of two levels: how many ratings lie between their middles.
    middle = _midranks(totals)
    observed = sum([count * (middle[a] - middle[b]) ** 2 for (a, b), count in met.items()])
    expected = 2 * n * n * _moments([(middle[level], count) for level, count in totals.items()], n)[1]
    return 1 - (n - 1) * observed / expected if expected > ROUNDING else None


MEASURES: dict[str, Callable[[Pairs], float | None]] = {
    "exact": exact,
    "within_one": within_one,
    "kappa": quadratic_kappa,
    "alpha": ordinal_alpha,
    "spearman": spearman,
    "offset": mean_offset,
}


def margins_of(pairs: Pairs) -> tuple[dict[int, float], dict[int, float]]:
    """How much weight each side gave to each level that occurs."""
    first: defaultdict[int, float] = defaultdict(float)
    second: defaultdict[int, float] = defaultdict(float)
    for (a, b), count in pairs.items():
        first[a] += count
        second[b] += count
    return first, second


def _share(pairs: Pairs, apart: int) -> float | None:
    n = sum(pairs.values())
    return sum([count for (a, b), count in pairs.items() if abs(a - b) <= apart]) / n if n else None


def _moments(margin: Sequence[tuple[float, float]], n: float) -> tuple[float, float]:
    """Mean and variance of what was given."""
    mean = sum([count * level for level, count in margin]) / n
    return mean, sum([count * (level - mean) ** 2 for level, count in margin]) / n


def _midranks(totals: Mapping[int, float]) -> dict[int, float]:
    """The middle of the ranks that each level takes up."""
    levels = sorted(totals)
    below = accumulate([totals[level] for level in levels], initial=0.0)
    return {level: start + totals[level] / 2 for level, start in zip(levels, below, strict=False)}
