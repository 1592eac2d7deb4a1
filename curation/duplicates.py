"""Find near-duplicate queries: mark all but the first of each group as a duplicate of it, as one action to be undone.

Nothing is deleted. An undone action dissolves its clusters: their size becomes 0.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.likeness import folded_words, likeness, likeness_key
from curation.models import DuplicateCluster, Query
from curation.passes import Watch, blocks_of, next_version, unwatched
from curation.readings import BLOCK

METHOD = "folded_words"
ONLY_FORM = "same words; only case, punctuation or courtesies differ"
ONLY_NAMES = "same words; only names of functions or classes differ"


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass found; `clusters` counts groups that gained a duplicate."""

    checked: int
    duplicates: int
    clusters: int
    action: Action | None


def find_duplicates(*, by: User | None, door: Door, watch: Watch = unwatched) -> Found:
    """Mark near-duplicates among the queries in play. What is marked already stays; a pass may be repeated."""
    checked, groups = _alike(watch)
    action, marked, clusters = None, 0, 0
    for pks in _blocks(groups):
        with transaction.atomic():
            changes = [change for group in pks for change in _mark(group)]
            if not changes:
                continue
            if action is None:
                action = record("find duplicates", changes, by=by, door=door, note=METHOD)
            else:
                extend(action, changes)
        marked += sum(isinstance(change.row, Query) for change in changes)
        clusters += sum(isinstance(change.row, DuplicateCluster) for change in changes)
    return Found(checked, marked, clusters, action)


def _alike(watch: Watch) -> tuple[int, list[list[int]]]:
    """How many queries were looked at, and those that share a key, in the order they came in."""
    first: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    checked = 0
    for block in blocks_of(Query.objects.in_play(), watch):
        for pk, text in Query.objects.filter(pk__in=block).order_by("pk").values_list("pk", "text"):
            key = likeness_key(text)
            if first.setdefault(key, pk) != pk:
                groups.setdefault(key, [first[key]]).append(pk)
        checked += len(block)
    return checked, list(groups.values())


def _blocks(groups: Iterable[list[int]]) -> Iterator[list[list[int]]]:
    """Groups together, up to a block of queries, so that each transaction stays short."""
    block: list[list[int]] = []
    for group in groups:
        if block and sum(map(len, block)) + len(group) > BLOCK:
            yield block
            block = []
        block.append(group)
    if block:
        yield block


def _mark(pks: list[int]) -> list[Change]:
    """Mark the group's later queries, and those marked as duplicates of them, as duplicates of its first."""
    first, *others = Query.objects.filter(pk__in=pks).order_by("pk").select_for_update()
    alike = [query for query in others if likeness(query.text) == likeness(first.text)]
    led = Query.objects.filter(duplicate_of__in=alike).order_by("pk").select_for_update()
    changes = [_change(query, first) for query in [*alike, *led]]
    return [*changes, _cluster(first, gained=len(changes))] if changes else []


def _change(query: Query, first: Query) -> Change:
    reason = ONLY_FORM if folded_words(query.text) == folded_words(first.text) else ONLY_NAMES
    before = {"duplicate_of_id": query.duplicate_of_id, "duplicate_reason": query.duplicate_reason}
    after: dict[str, Any] = {"duplicate_of_id": first.pk, "duplicate_reason": reason}
    Query.objects.filter(pk=query.pk).update(**after, version=next_version(timezone.now()))
    return Change(query, before, after)


def _cluster(first: Query, *, gained: int) -> Change:
    cluster, _ = DuplicateCluster.objects.get_or_create(representative=first, defaults={"method": METHOD, "size": 0})
    size = first.duplicates.count() + 1
    DuplicateCluster.objects.filter(pk=cluster.pk).update(size=size)
    return Change(cluster, {"size": cluster.size}, {"size": size})
