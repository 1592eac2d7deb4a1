"""Write what was found alike: members and size of clusters, and the fact on each merged query.

Call these inside a transaction; they return what they changed, for the action of the verb.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from accounts.actions import Change
from curation.duplicates.reasons import PERSON, REASONS, how_alike
from curation.duplicates.sameness import Kind
from curation.models import MERGED, ClusterKind, ClusterMember, DuplicateCluster, Query
from curation.passes import next_version


@dataclass(frozen=True, slots=True)
class Alike:
    """A query that is like another, and in what they differ."""

    query_id: int
    how: str
    similarity: float | None = None


def merge(first_id: int, found: Sequence[Alike], *, at: datetime, settled: bool = False) -> list[Change]:
    """Make queries, and those that were duplicates of them, duplicates of the first; held ones stay as they are."""
    how = {alike.query_id: alike for alike in found}
    locked = Query.objects.filter(pk__in=[first_id, *how]).order_by("pk").select_for_update()
    rows = {query.pk: query for query in locked if query.duplicate_of_id is None}
    moved = [query for query in rows.values() if query.pk != first_id and not query.is_held(at)]
    if first_id not in rows or not moved:
        return []
    led = list(Query.objects.filter(duplicate_of__in=moved).order_by("pk").select_for_update())
    for query in led:
        how[query.pk] = _moved_along(query, how[_leader(query)], rows[first_id])
    changes = _dissolved(moved)
    alike = [how[query.pk] for query in [*moved, *led]]
    near = settled or any(one.how != Kind.FORM for one in alike)
    cluster = _cluster(rows[first_id], ClusterKind.NEAR if near else ClusterKind.FORM)
    changes += [*led_by(first_id, [*moved, *led], how, at=at), *_members(cluster, alike, settled=settled)]
    return [*changes, *resized(cluster, near=near)]


def link(first_id: int, found: Sequence[Alike], kind: ClusterKind) -> list[Change]:
    """Note that queries are variants or paraphrases of the first; none of them leaves play."""
    rows = Query.objects.in_play().filter(pk__in=[first_id, *(alike.query_id for alike in found)]).in_bulk()
    alike = [one for one in found if one.query_id in rows]
    if first_id not in rows or not alike:
        return []
    cluster = _cluster(rows[first_id], kind)
    changes = _members(cluster, alike, settled=False)
    return [*changes, *resized(cluster)] if changes else []


def release(cluster: DuplicateCluster, members: Iterable[ClusterMember], *, at: datetime) -> list[Change]:
    """Take members out of a cluster; merged queries come back into play."""
    changes, ids = [], []
    for member in members:
        changes.append(Change(member, {"stands": True}, {"stands": False}))
        ids.append(member.query_id)
    ClusterMember.objects.filter(cluster=cluster, query__in=ids).update(stands=False)
    merged = Query.objects.filter(pk__in=ids, duplicate_of=cluster.representative_id)
    if cluster.is_merged:
        changes += back_in_play(merged.select_for_update(), at=at)
    return [*changes, *resized(cluster)]


def back_in_play(queries: Iterable[Query], *, at: datetime) -> list[Change]:
    """Let queries be duplicates of none."""
    changes = []
    for query in queries:
        before = {"duplicate_of_id": query.duplicate_of_id, "duplicate_reason": query.duplicate_reason}
        changes.append(Change(query, before, {"duplicate_of_id": None, "duplicate_reason": ""}))
        Query.objects.filter(pk=query.pk).update(duplicate_of=None, duplicate_reason="", version=next_version(at))
    return changes


def led_by(first_id: int, queries: Iterable[Query], how: Mapping[int, Alike], *, at: datetime) -> list[Change]:
    """Let queries be duplicates of the first, each with its reason."""
    changes, by_reason = [], defaultdict(list)
    for query in queries:
        reason = REASONS[how[query.pk].how]
        before = {"duplicate_of_id": query.duplicate_of_id, "duplicate_reason": query.duplicate_reason}
        changes.append(Change(query, before, {"duplicate_of_id": first_id, "duplicate_reason": reason}))
        by_reason[reason].append(query.pk)
    for reason, ids in by_reason.items():
        Query.objects.filter(pk__in=ids).update(
            duplicate_of=first_id, duplicate_reason=reason, version=next_version(at)
        )
    return changes


def resized(cluster: DuplicateCluster, *, near: bool = False) -> list[Change]:
    """Bring the size up to date, and the kind where near-duplicates have joined."""
    standing = cluster.members.filter(stands=True).count()
    before = {"size": cluster.size, "kind": cluster.kind}
    after: dict[str, Any] = {"size": standing + 1 if standing else 0, "kind": cluster.kind}
    if near and cluster.kind == ClusterKind.FORM:
        after["kind"] = ClusterKind.NEAR.value
    changed = {name for name in after if after[name] != before[name]}
    if not changed:
        return []
    DuplicateCluster.objects.filter(pk=cluster.pk).update(**after)
    return [Change(cluster, {name: before[name] for name in changed}, {name: after[name] for name in changed})]


def fit_sizes(clusters: Iterable[int]) -> None:
    """Bring the sizes up to date after queries were removed; a cluster whose members are all gone is undone."""
    standing = ClusterMember.objects.filter(cluster=OuterRef("pk"), stands=True).order_by()
    members = standing.values("cluster").annotate(n=Count("*")).values("n")
    DuplicateCluster.objects.filter(pk__in=clusters).update(size=Coalesce(Subquery(members) + 1, 0))


def _leader(query: Query) -> int:
    if query.duplicate_of_id is None:
        raise ValueError(f"{query} is no duplicate")
    return query.duplicate_of_id


def _moved_along(query: Query, leader: Alike, first: Query) -> Alike:
    """How a duplicate of a query that is merged itself is like the first: by its own words, where they tell."""
    has_leaders_words = query.duplicate_reason == REASONS[Kind.FORM]
    how = leader.how if has_leaders_words or leader.how == PERSON else how_alike(first.text, query.text)
    return replace(leader, query_id=query.pk, how=leader.how if how == PERSON else how)


def _cluster(first: Query, kind: ClusterKind) -> DuplicateCluster:
    kinds = MERGED if kind in MERGED else (kind,)
    known = DuplicateCluster.objects.filter(representative=first, kind__in=kinds).order_by("-size", "pk").first()
    return known or DuplicateCluster.objects.create(representative=first, source_id=first.source_id, kind=kind)


def _dissolved(representatives: Iterable[Query]) -> list[Change]:
    """The clusters of queries that are merged themselves: their members move on."""
    clusters = DuplicateCluster.objects.filter(representative__in=representatives, kind__in=MERGED, size__gt=0)
    changes: list[Change] = []
    for cluster in clusters.select_for_update():
        standing = list(cluster.members.filter(stands=True))
        changes += [Change(member, {"stands": True}, {"stands": False}) for member in standing]
        cluster.members.filter(stands=True).update(stands=False)
        changes += resized(cluster)
    return changes


def _members(cluster: DuplicateCluster, found: Sequence[Alike], *, settled: bool) -> list[Change]:
    """Let members stand that do not yet."""
    how = {alike.query_id: alike for alike in found}
    ClusterMember.objects.bulk_create(
        (
            ClusterMember(cluster=cluster, query_id=one.query_id, how=one.how, similarity=one.similarity)
            for one in found
        ),
        ignore_conflicts=True,
    )
    rows = list(ClusterMember.objects.filter(cluster=cluster, query__in=how, stands=False))
    changes = []
    for row in rows:
        before = {"stands": False, "how": row.how, "settled": row.settled}
        after = {"stands": True, "how": how[row.query_id].how, "settled": settled}
        changed = [name for name in after if after[name] != before[name]]
        changes.append(Change(row, {n: before[n] for n in changed}, {n: after[n] for n in changed}))
    by_how = defaultdict(list)
    for row in rows:
        by_how[how[row.query_id].how].append(row.pk)
    for word, ids in by_how.items():
        ClusterMember.objects.filter(pk__in=ids).update(stands=True, how=word, settled=settled)
    return changes
