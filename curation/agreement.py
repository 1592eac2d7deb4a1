"""How far two judges agree, from counts of the pairs of levels they gave. Plain Python over counts."""

from collections.abc import Callable, Mapping

from curation.linking import LEVELS, margins

Pairs = Mapping[tuple[int, int], int]


def matrix(pairs: Pairs) -> list[list[int]]:
    """Five rows (A's level) of five counts (B's level)."""
    return [[pairs.get((a, b), 0) for b in LEVELS] for a in LEVELS]


def exact(pairs: Pairs) -> float | None:
    """The share of queries that got the same level twice; None without any."""
    return _share(pairs, lambda a, b: a == b)


def within_one(pairs: Pairs) -> float | None:
    """The share of queries whose two levels lie at most one apart; None without any."""
    return _share(pairs, lambda a, b: abs(a - b) <= 1)


def quadratic_kappa(pairs: Pairs) -> float | None:
    """Cohen's kappa with squared distances as weights: 1 is full agreement, 0 what the margins give by chance.

    None without pairs, and where chance leaves no room for disagreement (both always gave one and the same level).
    """
    n = sum(pairs.values())
    if not n:
        return None
    first, second = margins(pairs)
    observed = sum(count * (a - b) ** 2 for (a, b), count in pairs.items()) / n
    by_chance = sum(
        in_first * in_second * (a - b) ** 2
        for a, in_first in zip(LEVELS, first, strict=True)
        for b, in_second in zip(LEVELS, second, strict=True)
    ) / (n * n)
    return 1 - observed / by_chance if by_chance else None


def _share(pairs: Pairs, agrees: Callable[[int, int], bool]) -> float | None:
    n = sum(pairs.values())
    return sum(count for (a, b), count in pairs.items() if agrees(a, b)) / n if n else None
