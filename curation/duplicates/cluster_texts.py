"""Search in clusters: one is found by the words of its representative or of a member that stands in it."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from django.db.models import QuerySet

from curation.models import ClusterMember, DuplicateCluster, Query
from web.paging import Searched


class TextsOfClusters(Searched):
    """The queries of each cluster; one query may be in several, as a duplicate here and a variant there."""

    def owners(self, found: QuerySet[Any]) -> set[int]:
        """The clusters in which these queries stand."""
        keys = found.values("pk")
        led = DuplicateCluster.objects.filter(representative__in=keys).order_by().values_list("pk", flat=True)
        joined = ClusterMember.objects.filter(query__in=keys, stands=True).order_by().values_list("cluster", flat=True)
        return {*led, *joined}

    def rows_of(self, owners: Sequence[int]) -> Iterable[tuple[int, int]]:
        """(query, cluster) of all that these clusters hold."""
        led = DuplicateCluster.objects.filter(pk__in=owners).order_by().values_list("representative", "pk")
        joined = (
            ClusterMember.objects.filter(cluster__in=owners, stands=True).order_by().values_list("query", "cluster")
        )
        return chain(led, joined)


TEXTS = TextsOfClusters(Query, "cluster")
