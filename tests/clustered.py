"""A cluster for tests, and all that is known of clusters."""

from accounts.models import Door
from curation.duplicates.finding import find_duplicates
from curation.models import ClusterMember, Distinction, DuplicateCluster, Query
from tests.making import a_query

TEXTS = ["Sort the values of a list.", "Sort the vaules of a list.", "sort the values of a list!"]


def find():
    return find_duplicates(by=None, door=Door.COMMAND)


def a_cluster():
    """Of the three texts; the first stands for them."""
    for text in TEXTS:
        a_query(text)
    find()
    return DuplicateCluster.objects.get(kind="near")


def facts():
    """All that a verb may change, versions left out."""
    standing = ClusterMember.objects.filter(stands=True).order_by("pk")
    return (
        list(Query.objects.order_by("pk").values_list("pk", "duplicate_of", "duplicate_reason", "stage")),
        list(DuplicateCluster.objects.order_by("pk").values_list("pk", "representative", "size", "kind", "source")),
        list(standing.values_list("cluster", "query", "how", "settled")),
        list(Distinction.objects.filter(stands=True).values_list("first", "second")),
    )
