"""How a stratified sample is drawn: how many queries of each stratum, which ones, and what each stands for.

Every query of a stratum has one and the same known chance, drawn / size, and counts for size / drawn queries in
estimates. Large strata give more, by the square root of their size: the middle way between one share for all, in which
rare cells would vanish, and one number for all, in which common ones would hardly be seen.
"""

import random
from collections.abc import Hashable, Mapping, Sequence
from math import sqrt
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Member = TypeVar("Member")

# Fewer say nothing of how a stratum varies within.
LEAST_OF_STRATUM = 4


def allocate(sizes: Mapping[Key, int], wanted: int) -> dict[Key, int]:
    """How many to draw of each stratum: at least four, or all there are; in sum about as many as wanted."""
    room = sum(sqrt(size) for size in sizes.values())
    return {
        key: min(size, max(LEAST_OF_STRATUM, round(wanted * sqrt(size) / room))) for key, size in sizes.items() if size
    }


def draw(members: Sequence[Member], count: int, rng: random.Random) -> list[Member]:
    """So many of a stratum, each with the same chance."""
    return rng.sample(members, count)


def controls_wanted(disputes: int, share: float) -> int:
    """How many controls among so many disputes make that share of the queue."""
    return round(disputes * share / (1 - share))
