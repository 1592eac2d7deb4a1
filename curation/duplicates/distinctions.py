"""What people said against likeness: pairs told apart, and whether what a pass found still agrees with it.

Call these inside a transaction; those that write return what they changed, for the action of the verb.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.actions import Change
from curation.duplicates.clusters import Alike
from curation.models import MERGED, ClusterMember, Distinction, Query

# Each query, and those that were told from it.
Apart = Mapping[int, set[int]]


@dataclass(frozen=True, slots=True)
class Said:
    """What people have said by now of some queries and of those that are duplicates of them."""

    # told apart; in the second, a duplicate counts as the query that stands for it
    apart: Apart
    apart_with_theirs: Apart
    # who stands for a cluster in which a person settled something
    settled: frozenset[int]

    @classmethod
    def of(cls, keys: Sequence[int]) -> "Said":
        """Read it with these queries locked, so that nobody says more before the transaction ends."""
        list(Query.objects.filter(pk__in=keys).order_by("pk").select_for_update().values_list("pk"))
        theirs = Query.objects.filter(Q(pk__in=keys) | Q(duplicate_of__in=keys)).order_by().values("pk")
        told = Distinction.objects.filter(first__in=theirs, stands=True).order_by()
        ends = ("first_id", "second_id", "first__duplicate_of_id", "second__duplicate_of_id")
        rows = list(told.values_list(*ends))
        settled = ClusterMember.objects.filter(
            cluster__representative__in=keys, cluster__kind__in=MERGED, stands=True, settled=True
        )
        return cls(
            _both_ways((first, second) for first, second, _, _ in rows),
            _both_ways((of_first or first, of_second or second) for first, second, of_first, of_second in rows),
            frozenset(settled.order_by().values_list("cluster__representative_id", flat=True)),
        )

    def mergeable(self, first: int, found: Iterable[Alike]) -> list[Alike]:
        """Those that may become duplicates of the first, with their own, and of one another."""
        staying, left = {first}, []
        for alike in found:
            key = alike.query_id
            if key not in self.settled and staying.isdisjoint(self.apart_with_theirs.get(key, ())):
                staying.add(key)
                left.append(alike)
        return left

    def linkable(self, first: int, found: Iterable[Alike]) -> list[Alike]:
        """Those that were not told from the first."""
        return [alike for alike in found if alike.query_id not in self.apart.get(first, ())]


def tell_apart(pairs: Iterable[tuple[int, int]]) -> list[Change]:
    """Remember that the queries of each pair ask for different things."""
    wanted = {(min(pair), max(pair)) for pair in pairs}
    Distinction.objects.bulk_create(
        (Distinction(first_id=first, second_id=second) for first, second in wanted), ignore_conflicts=True
    )
    firsts, seconds = {first for first, _ in wanted}, {second for _, second in wanted}
    rows = Distinction.objects.filter(first__in=firsts, second__in=seconds, stands=False)
    return _turned([row for row in rows if (row.first_id, row.second_id) in wanted], stands=True)


def forget_apart(ones: Iterable[int], others: Iterable[int]) -> list[Change]:
    """No longer hold queries of two sides apart."""
    ones, others = list(ones), list(others)
    either = Q(first__in=ones, second__in=others) | Q(first__in=others, second__in=ones)
    return _turned(list(Distinction.objects.filter(either, stands=True)), stands=False)


def _turned(rows: list[Distinction], *, stands: bool) -> list[Change]:
    Distinction.objects.filter(pk__in=[row.pk for row in rows]).update(stands=stands)
    return [Change(row, {"stands": not stands}, {"stands": stands}) for row in rows]


def _both_ways(pairs: Iterable[tuple[int, int]]) -> Apart:
    apart: dict[int, set[int]] = defaultdict(set)
    for first, second in pairs:
        apart[first].add(second)
        apart[second].add(first)
    return apart
