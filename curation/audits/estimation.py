"""Precision and recall of a rule over a whole pool, from a stratified sample of it that people have judged.

Ratio estimators with Taylor-linearised variance over the strata and finite population correction (Cochran, Sampling
Techniques, 3rd edition, chapters 5A and 6); the interval is Wilson's with the effective sample size and a t quantile
(Korn and Graubard 1998; Dean and Pagano 2015), because the normal one fails near 0 and 1. For the variance each cell of
stratum and decision counts one query more on either side: a sample without a mistake is no proof of a pool without.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True)
class Judged:
    """One sampled query: how many queries of its stratum it stands for, what the rule does, what a person says."""

    stratum: str
    weight: float
    kept: bool
    right: bool


@dataclass(frozen=True, slots=True)
class Share:
    """An estimated share of the pool with its 95 % interval, from `n` judged queries."""

    value: float
    low: float
    high: float
    n: int


def precision(sample: Sequence[Judged]) -> Share | None:
    """Of what the rule keeps, the share that people would keep; None when nothing of it was judged."""
    return _ratio(sample, part=lambda one: one.kept and one.right, whole=lambda one: one.kept)


def recall(sample: Sequence[Judged]) -> Share | None:
    """Of what people would keep, the share that the rule keeps; None when nothing of it was judged."""
    return _ratio(sample, part=lambda one: one.kept and one.right, whole=lambda one: one.right)


def _ratio(
    sample: Sequence[Judged], *, part: Callable[[Judged], bool], whole: Callable[[Judged], bool]
) -> Share | None:
    within = [one for one in sample if whole(one)]
    total = sum(one.weight for one in within)
    if not total:
        return None
    share = sum(one.weight for one in within if part(one)) / total
    strata: defaultdict[str, list[Judged]] = defaultdict(list)
    for one in sample:
        strata[one.stratum].append(one)

    def residual(one: Judged) -> float:
        return part(one) - share if whole(one) else 0.0

    variance = sum(_variance(rows, residual) for rows in strata.values()) / total**2
    low, high = _wilson(share, variance, n=len(within), freedom=max(1, len(sample) - len(strata)))
    return Share(share, low, high, len(within))


def _variance(rows: Sequence[Judged], residual: Callable[[Judged], float]) -> float:
    """Of the total of the residuals over one stratum."""
    size = sum(one.weight for one in rows)
    unsampled = max(0.0, 1 - len(rows) / size)
    values = [residual(one) for one in [*rows, *_one_on_either_side(rows)]]
    mean = sum(values) / len(values)
    spread = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return size**2 * unsampled * spread / len(rows)


def _one_on_either_side(rows: Sequence[Judged]) -> Iterable[Judged]:
    return [Judged(rows[0].stratum, 0.0, kept, right) for kept in {one.kept for one in rows} for right in (True, False)]


def _wilson(share: float, variance: float, *, n: int, freedom: int) -> tuple[float, float]:
    """Wilson's interval for a share that varies as if it came from fewer, or more, independent queries than n."""
    if variance <= 0:
        return share, share
    smoothed = (share * n + 1) / (n + 2)
    effective, t = smoothed * (1 - smoothed) / variance, _t_quantile(freedom)
    room = 1 + t * t / effective
    middle = (share + t * t / (2 * effective)) / room
    half = t / room * sqrt(share * (1 - share) / effective + (t / (2 * effective)) ** 2)
    return max(0.0, middle - half), min(1.0, middle + half)


def _t_quantile(freedom: int) -> float:
    """Student's t by the first terms of its Cornish-Fisher expansion."""
    return Z + (Z**3 + Z) / (4 * freedom) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)
