"""Read one template's five levels on another's scale: equipercentile linking from queries that both have scored.

Method. Whole scores are taken as bands of a continuous scale: level k fills k - 0.5 to k + 0.5, its share spread evenly
within. The percentile of level k is then the share below it plus half its own (the mid-percentile), and its link is the
point of the other scale with the same percentile. Where the other scale has no scores around that percentile, a whole
stretch fits: its middle is taken. Below 50 pairs the shares say too little, and each level is linked to itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

LEVELS = range(1, 6)
LEAST_PAIRS = 50
IDENTITY, EQUIPERCENTILE = "identity", "equipercentile"
UNCHANGED = tuple(float(level) for level in LEVELS)
# Shares are quotients of counts: what differs by less than this is equal.
ROUNDING = 1e-9
DIGITS = 6


@dataclass(frozen=True, slots=True)
class LinkTable:
    """What level 1–5 of a template is on the anchor's scale, and from how many pairs that is known."""

    table: tuple[float, ...]
    method: str
    n: int

    def onto_anchor(self, level: int) -> float:
        return self.table[level - 1]


def link(pairs: Mapping[tuple[int, int], int]) -> LinkTable:
    """The table that reads B's levels on A's scale, from counts of (A's score, B's score).

    The table rises or stays, and ends where A's scale ends: at 1 and 5.
    """
    n = sum(pairs.values())
    if n < LEAST_PAIRS:
        return LinkTable(UNCHANGED, IDENTITY, n)
    anchor, other = margins(pairs)
    linked = equipercentile(other, anchor)
    return LinkTable(tuple(min(5.0, max(1.0, point)) for point in linked), EQUIPERCENTILE, n)


def margins(pairs: Mapping[tuple[int, int], int]) -> tuple[list[int], list[int]]:
    """How often A gave each level, and how often B did."""
    first, second = Counter[int](), Counter[int]()
    for (a, b), count in pairs.items():
        first[a] += count
        second[b] += count
    return [first[level] for level in LEVELS], [second[level] for level in LEVELS]


def equipercentile(frequencies: Sequence[float], onto: Sequence[float]) -> list[float]:
    """The point of the scale `onto` with the mid-percentile of each level; scales start at level 1.

    Points lie between half a level below the lowest and half a level above the highest level of `onto`.
    """
    below = [0.0, *accumulate(onto)]
    whole, own_whole = below[-1], sum(frequencies)
    if not whole or not own_whole:
        raise ValueError("there are no scores to link: every frequency is 0")
    shares_below = [count / whole for count in below]
    starts = accumulate(frequencies, initial=0.0)
    percentiles = [(start + own / 2) / own_whole for start, own in zip(starts, frequencies, strict=False)]
    return [round(_point_at(percentile, shares_below), DIGITS) for percentile in percentiles]


def _point_at(percentile: float, shares_below: Sequence[float]) -> float:
    """Where the continuous scale has this percentile; `shares_below[k]` is the share up to the end of level k."""
    last = len(shares_below) - 1
    lowest = max((k for k in range(last + 1) if shares_below[k] < percentile - ROUNDING), default=0)
    highest = min((k for k in range(last + 1) if shares_below[k] > percentile + ROUNDING), default=last)
    return (_within(lowest, percentile, shares_below) + _within(highest - 1, percentile, shares_below)) / 2


def _within(level: int, percentile: float, shares_below: Sequence[float]) -> float:
    """The point of the band that starts at the end of `level` at which the percentile is reached."""
    start, end = shares_below[level], shares_below[level + 1]
    if end - start < ROUNDING:
        # An empty band at an end of the scale: all of it fits, so its outer edge bounds the stretch.
        return level + (0.5 if level == 0 else 1.5)
    return level + 0.5 + (percentile - start) / (end - start)
