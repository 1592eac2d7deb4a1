"""A person's word on a cluster: keep, tell apart, another representative, join two; each undone by its action."""

from collections import defaultdict
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.actions import Change, record
from accounts.models import Action, Door, User
from curation.duplicates.clusters import Alike, back_in_play, led_by, merge, release
from curation.duplicates.distinctions import forget_apart, tell_apart
from curation.duplicates.reasons import PERSON, how_alike
from curation.models import ClusterMember, DuplicateCluster, Query

# Every pair of a dissolved cluster is remembered, and pairs grow with the square.
LARGEST_DISSOLVED = 60


class CannotSettle(Exception):
    """The cluster does not stand as the person saw it; the message says what to do."""


def keep(cluster_id: int, query_id: int, *, by: User, door: Door = Door.PAGE) -> Action:
    """Say that a member is a duplicate of the representative; one that was only linked is merged."""
    with transaction.atomic():
        cluster, member = _standing(cluster_id, query_id)
        if cluster.is_merged:
            return record("keep duplicate", _settled(member), by=by, door=door)
        changes = release(cluster, [member], at=timezone.now())
        merged = merge(cluster.representative_id, [Alike(query_id, PERSON)], at=timezone.now(), settled=True)
        if not merged:
            raise CannotSettle(f"query {query_id} is held by a reviewer or no longer in play; try again later")
        return record("merge duplicate", [*changes, *merged], by=by, door=door)


def part(cluster_id: int, query_id: int, *, by: User, door: Door = Door.PAGE) -> Action:
    """Say that a member asks for something else than the whole cluster; no pass brings it back."""
    with transaction.atomic():
        cluster, member = _standing(cluster_id, query_id)
        others = [cluster.representative_id, *(one.query_id for one in _members(cluster) if one.pk != member.pk)]
        changes = tell_apart((query_id, other) for other in others)
        changes += release(cluster, [member], at=timezone.now())
        return record("tell duplicate apart", changes, by=by, door=door)


def dissolve(cluster_id: int, *, by: User, door: Door = Door.PAGE) -> Action:
    """Say that no two queries of a cluster ask the same."""
    with transaction.atomic():
        cluster = _locked(cluster_id)
        members = _members(cluster)
        if cluster.size > LARGEST_DISSOLVED:
            raise CannotSettle(f"{cluster} is too large to dissolve; undo the action that made it, or part its members")
        ids = [cluster.representative_id, *(member.query_id for member in members)]
        changes = tell_apart((one, other) for one in ids for other in ids if one < other)
        return record("dissolve cluster", [*changes, *release(cluster, members, at=timezone.now())], by=by, door=door)


def represent(cluster_id: int, query_id: int, *, by: User, door: Door = Door.PAGE) -> Action:
    """Let a member stand for its merged cluster; the others, the one that did too, become duplicates of it."""
    known = _compared(cluster_id, query_id)
    with transaction.atomic():
        cluster, member = _standing(cluster_id, query_id)
        if not cluster.is_merged:
            raise CannotSettle(f"{cluster} only links queries; none of them stands for the others")
        at, former_id = timezone.now(), cluster.representative_id
        rows = {query.pk: query for query in _led(former_id).order_by("pk").select_for_update()}
        new = rows.pop(query_id)
        how = {pk: known.get(pk) or Alike(pk, how_alike(new.text, query.text)) for pk, query in rows.items()}
        changes = [*back_in_play([new], at=at), *led_by(query_id, rows.values(), how, at=at)]
        changes += _place_taken(cluster, member, former_id, how)
        stood = {"representative_id": former_id, "source_id": cluster.source_id}
        stands = {"representative_id": query_id, "source_id": new.source_id}
        DuplicateCluster.objects.filter(pk=cluster.pk).update(**stands)
        changes.append(Change(cluster, *_changed(stood, stands)))
        return record("change representative", changes, by=by, door=door)


def join(cluster_id: int, other_id: int, *, by: User, door: Door = Door.PAGE) -> Action:
    """Merge another cluster into this one, whatever was told apart between them before."""
    with transaction.atomic():
        # In the order in which a pass takes them too.
        both = Query.objects.filter(represents__in=[cluster_id, other_id])
        list(both.order_by("pk").select_for_update(of=("self",)))
        cluster, other = _locked(cluster_id), _locked(other_id)
        if cluster.pk == other.pk or not (cluster.is_merged and other.is_merged):
            raise CannotSettle("join two different clusters of duplicates")
        sides = [[one.representative_id, *(m.query_id for m in _members(one))] for one in (cluster, other)]
        changes = forget_apart(*sides)
        moved = [Alike(other.representative_id, PERSON)]
        merged = merge(cluster.representative_id, moved, at=timezone.now(), settled=True)
        if not merged:
            raise CannotSettle(f"query {other.representative_id} is held by a reviewer; try again later")
        return record("join clusters", [*changes, *merged], by=by, door=door)


def _locked(cluster_id: int) -> DuplicateCluster:
    """The cluster, kept from passes by a lock on its representative, as they take one before they ask what was said."""
    list(Query.objects.filter(represents=cluster_id).select_for_update(of=("self",)))
    cluster = DuplicateCluster.objects.select_for_update().filter(pk=cluster_id).first()
    if cluster is None or not cluster.size:
        raise CannotSettle(f"there is no cluster {cluster_id}, or it was dissolved or undone meanwhile")
    return cluster


def _standing(cluster_id: int, query_id: int) -> tuple[DuplicateCluster, ClusterMember]:
    cluster = _locked(cluster_id)
    member = cluster.members.filter(query=query_id, stands=True).first()
    if member is None:
        raise CannotSettle(f"query {query_id} is no longer a member of this cluster")
    return cluster, member


def _members(cluster: DuplicateCluster) -> list[ClusterMember]:
    return list(cluster.members.filter(stands=True))


def _settled(member: ClusterMember) -> list[Change]:
    if member.settled:
        return []
    ClusterMember.objects.filter(pk=member.pk).update(settled=True)
    return [Change(member, {"settled": False}, {"settled": True})]


def _led(first_id: int) -> QuerySet[Query]:
    """A query and its duplicates."""
    return Query.objects.filter(Q(pk=first_id) | Q(duplicate_of=first_id))


def _compared(cluster_id: int, query_id: int) -> dict[int, Alike]:
    """How the others are like this one. Outside the transaction, since of a large cluster that takes a while."""
    cluster = DuplicateCluster.objects.filter(pk=cluster_id).first()
    texts = dict(_led(cluster.representative_id).values_list("pk", "text")) if cluster else {}
    if (new := texts.pop(query_id, None)) is None:
        return {}
    return {pk: Alike(pk, how_alike(new, text)) for pk, text in texts.items()}


def _place_taken(
    cluster: DuplicateCluster, member: ClusterMember, former_id: int, how: dict[int, Alike]
) -> list[Change]:
    """The former representative becomes a member in the place of this one, and all say how they are like the new."""
    ClusterMember.objects.get_or_create(cluster=cluster, query_id=former_id, defaults={"how": how[former_id].how})
    changes, alike = [], defaultdict(list)
    for row in cluster.members.filter(Q(stands=True) | Q(query=former_id)):
        stood = {"stands": row.stands, "settled": row.settled, "how": row.how}
        if row.pk == member.pk:
            stands = stood | {"stands": False}
        else:
            stands = {"stands": True, "settled": row.settled or row.query_id == former_id, "how": how[row.query_id].how}
        if stands != stood:
            changes.append(Change(row, *_changed(stood, stands)))
            alike[tuple(stands.items())].append(row.pk)
    for columns, keys in alike.items():
        ClusterMember.objects.filter(pk__in=keys).update(**dict(columns))
    return changes


def _changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in after if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}
