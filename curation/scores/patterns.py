"""The scores of a query in one short text, such as `3=4 7=2`: what pages count and filter by.

Each judge that counts stands there with its number and its score, `-` for an unreadable one. Empty: not every judge has
answered. Queries with one pattern have one fate under every rule that looks at scores alone, so a rule is tried on some
thirty patterns in place of 287,000 queries.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log10
from typing import Any

from curation.models import Decision, Judge, RatingCount, Stage
from curation.readings import Row, Said, pattern_of
from web.kept_counts import summed

Tally = Counter[tuple[Any, ...]]

__all__ = ["Tally", "cell_rarity", "level_of", "pairs_in", "pattern_of", "patterns_with", "row_of", "stage_of", "tally"]


def row_of(pattern: str, judges: Sequence[Judge]) -> Row | None:
    """The scores side by side, in the order of the judges; None when the pattern is of other judges."""
    said = dict(part.split("=") for part in pattern.split())
    if said.keys() != {str(judge.pk) for judge in judges}:
        return None
    return tuple(Said(_value(said[str(judge.pk)])) for judge in judges)


def level_of(pattern: str, judge: Judge) -> int | None:
    """The readable score of one judge in a pattern."""
    said = dict(part.split("=") for part in pattern.split())
    return _value(said.get(str(judge.pk), "-"))


def tally(*columns: str) -> Tally:
    """How many queries in play have each pattern (and each value of further columns)."""
    counts = summed(RatingCount.objects.filter(ratings__gt=""), "ratings", *columns)
    return counts if columns else Counter({(pattern,): count for pattern, count in counts.items()})


def stage_of(pattern: str, decision: str) -> Stage:
    """The stage of queries in play with these scores and this decision."""
    if decision == Decision.NONE:
        return Stage.UNREADABLE if "=-" in pattern else Stage.SCORED
    return Stage.KEPT if decision == Decision.KEEP else Stage.DROPPED


def pairs_in(patterns: Mapping[str, int], first: Judge, second: Judge) -> Counter[tuple[int, int]]:
    """How often two judges gave each pair of readable scores."""
    pairs: Counter[tuple[int, int]] = Counter()
    for pattern, count in patterns.items():
        a, b = level_of(pattern, first), level_of(pattern, second)
        if a is not None and b is not None:
            pairs[a, b] += count
    return pairs


def patterns_with(patterns: Iterable[str], levels: Mapping[Judge, int | None]) -> list[str]:
    """The patterns in which these judges gave these levels; None: no readable one."""
    return [one for one in patterns if all(level_of(one, judge) == level for judge, level in levels.items())]


def cell_rarity(count: int, whole: int) -> int:
    """By how many half orders of magnitude a cell is smaller than the pool: 0 is all of it, 2 a tenth, 6 a
    thousandth. Whole steps, so that a few queries more change nothing."""
    return round(2 * log10(whole / count)) if count else 0


def _value(text: str) -> int | None:
    return None if text == "-" else int(text)
