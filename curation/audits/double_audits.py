"""How far people agree among themselves: the first two verdicts on each query that two people judged."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from curation.models import Query, Verdict
from curation.scores.intervals import Figure, figures

# Keep and drop as two levels; of two levels the quadratic kappa is Cohen's own.
DROP, KEEP = 1, 2


@dataclass(frozen=True, slots=True)
class DoubleAudits:
    """Queries that two people judged, each without seeing the other's word, and how far the two agree."""

    queries: int
    ties: int
    settled: int
    by_level: Mapping[str, Figure]
    by_decision: Mapping[str, Figure]


def double_audits() -> DoubleAudits:
    """A third verdict is given only where two disagree, so it settles and does not count as agreement."""
    twice = Verdict.objects.filter(withdrawn=False).values("query").annotate(n=Count("pk")).filter(n__gte=2).order_by()
    standing = Verdict.objects.filter(withdrawn=False, query__in=twice.values("query")).order_by("pk")
    given: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for query_id, value, keep in standing.values_list("query_id", "value", "keep"):
        given[query_id].append((value, KEEP if keep else DROP))
    levels = Counter((first[0], second[0]) for first, second, *_ in given.values())
    decisions = Counter((first[1], second[1]) for first, second, *_ in given.values())
    tied = [verdicts for verdicts in given.values() if verdicts[0][1] != verdicts[1][1]]
    return DoubleAudits(
        queries=len(given),
        ties=len(tied),
        settled=sum(len(verdicts) > 2 for verdicts in tied),
        by_level=figures(levels),
        by_decision=figures(decisions),
    )


def waiting_for_another() -> int:
    """Queries that one person has judged and another still has to."""
    # Whoever asks for a second verdict puts the query into the queue.
    return Query.objects.awaiting_audit().order_by().filter(reviews_given__gt=0).count()
