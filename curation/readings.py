"""What judges said of queries: scores side by side, counts of pairs, and the facts that follow for a query."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import chain
from statistics import fmean

from django.db import connection
from django.db.models import Avg, Count, OuterRef, Subquery

from curation.models import Contamination, Decision, Judge, Query, Score, ScoreState, Scoring
from curation.models.queries import VERDICT, QueryQuerySet

BLOCK = 500


@dataclass(frozen=True, slots=True)
class Said:
    """One judge's score of one query; both are None where the reply could not be read or was refused."""

    value: int | None
    expected: float | None = None


# One place per judge, in the judges' order; None where the judge has not answered yet.
Row = tuple[Said | None, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a query's row says of its scores."""

    scoring: Scoring
    mean: float | None = None
    raw_gap: int | None = None


def facts_of(row: Row) -> Facts:
    """The facts of one query. A score that is missing or unreadable is never averaged away."""
    answers = [said for said in row if said is not None]
    if not row or len(answers) < len(row):
        return Facts(Scoring.NONE)
    values = [said.value for said in answers if said.value is not None]
    if len(values) < len(row):
        return Facts(Scoring.UNREADABLE)
    return Facts(Scoring.READABLE, mean=fmean(values), raw_gap=max(values) - min(values))


def rows_of(query_ids: Sequence[int], judges: Sequence[Judge]) -> dict[int, Row]:
    """The scores of some queries (given in the order of their keys) by these judges."""
    place = {judge.pk: number for number, judge in enumerate(judges)}
    found: dict[int, list[Said | None]] = defaultdict(lambda: [None] * len(judges))
    scores = Score.objects.filter(judge__in=judges, query__in=query_ids).order_by()
    for query_id, judge_id, value, expected in scores.values_list("query_id", "judge_id", "value", "expected"):
        found[query_id][place[judge_id]] = Said(value, expected)
    return {query_id: tuple(found[query_id]) for query_id in query_ids}


def pattern_of(row: Row, judges: Sequence[Judge]) -> str:
    """The scores in one text (curation/scores/patterns.py); empty unless every judge has answered."""
    if not row or None in row:
        return ""
    said = {judge.pk: one for judge, one in zip(judges, row, strict=True) if one is not None}
    return " ".join(f"{pk}={said[pk].value or '-'}" for pk in sorted(said))


def store_facts(query_ids: Sequence[int], judges: Sequence[Judge]) -> None:
    """Write what was said of queries that all judges have answered, and the facts of those no rule has decided.

    `decide` brings the others up to date: it changes facts and decision of a query together. One statement for all,
    because this is done for every score of every run.
    """
    answered = [
        (query_id, pattern, expected_of(row), *astuple(facts_of(row)))
        for query_id, row in rows_of(query_ids, judges).items()
        if (pattern := pattern_of(row, judges))
    ]
    if not answered:
        return
    places = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(answered))
    with connection.cursor() as cursor:
        cursor.execute(UPDATE_FACTS.format(places), [Decision.NONE, VERDICT, *chain.from_iterable(answered)])


UPDATE_FACTS = """
UPDATE curation_query SET
    ratings = said.ratings,
    expected = said.expected,
    scoring = CASE WHEN said.is_open THEN said.scoring ELSE curation_query.scoring END,
    mean = CASE WHEN said.is_open THEN said.mean ELSE curation_query.mean END,
    raw_gap = CASE WHEN said.is_open THEN said.raw_gap ELSE curation_query.raw_gap END
FROM (
    SELECT id, column2 AS ratings, CAST(column3 AS double precision) AS expected, column4 AS scoring,
        CAST(column5 AS double precision) AS mean, CAST(column6 AS smallint) AS raw_gap,
        decision = %s OR decision_rule = %s AS is_open
    FROM (VALUES {}) AS facts JOIN curation_query ON id = column1
) AS said
WHERE curation_query.id = said.id
"""


def expected_of(row: Row) -> float | None:
    """The mean of the expected scores of a query, where every judge has one."""
    levels = [said.expected for said in row if said is not None and said.expected is not None]
    return fmean(levels) if row and len(levels) == len(row) else None


def store_expected(rows: Mapping[int, Row], judges: Sequence[Judge]) -> None:
    """Write the mean of the expected scores of queries where every judge has one."""
    having = [pk for pk, row in rows.items() if all(said is not None and said.expected is not None for said in row)]
    if lacking := rows.keys() - set(having):
        Query.objects.filter(pk__in=lacking, expected__isnull=False).update(expected=None)
    if having:
        mean = Score.objects.filter(query=OuterRef("pk"), judge__in=judges).order_by().values("query")
        Query.objects.filter(pk__in=having).update(
            expected=Subquery(mean.annotate(mean=Avg("expected")).values("mean"))
        )


def joint_counts(first: Judge, second: Judge) -> Counter[tuple[int, int]]:
    """How often the two gave each pair of readable scores to one query in play."""
    both = Score.objects.filter(
        judge=first,
        state=ScoreState.OK,
        query__scores__judge=second,
        query__scores__state=ScoreState.OK,
        query__duplicate_of__isnull=True,
    ).exclude(query__contamination=Contamination.SET_ASIDE)
    pairs = both.order_by().values_list("value", "query__scores__value").annotate(n=Count("pk"))
    return Counter({(mine, other): n for mine, other, n in pairs})


def key_blocks(queries: QueryQuerySet, size: int = BLOCK) -> Iterator[list[int]]:
    """The keys of queries in blocks, in order; no cursor stays open between two blocks."""
    last = 0
    while block := list(queries.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:size]):
        yield block
        last = block[-1]
