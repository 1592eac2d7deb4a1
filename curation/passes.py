"""One pass over many queries: blocks of keys with progress, and the version that rises with what is changed."""

from collections.abc import Callable, Iterable
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import Case, F, When

from curation.models.queries import QueryQuerySet
from curation.readings import BLOCK, key_blocks

# Shows progress: gets the blocks of keys and how many there are, and hands the blocks on.
Watch = Callable[[Iterable[list[int]], int], Iterable[list[int]]]

# The same for items of any sort: gets them, `total` (how many, or None) and `what` is done with them.
Progress = Callable[..., Iterable[Any]]


def unwatched(blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
    return blocks


def unshown(items: Iterable[Any], *, total: int | None, what: str) -> Iterable[Any]:
    return items


def blocks_of(queries: QueryQuerySet, watch: Watch) -> Iterable[list[int]]:
    """The keys of the queries in blocks, each short enough for one transaction."""
    return watch(key_blocks(queries), ceil(queries.count() / BLOCK))


def next_version(at: datetime) -> Case:
    """One more, but not for a row that someone holds: the verdict being given on it still counts."""
    return Case(When(claimed_until__gt=at, then=F("version")), default=F("version") + 1)
