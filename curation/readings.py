"""What judges said of queries: scores side by side, counts of pairs, and the facts that follow for a query."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from django.db.models import Avg, Count, OuterRef, Subquery

from curation.models import Contamination, Decision, Judge, Query, Score, ScoreState, Scoring
from curation.models.queries import QueryQuerySet

# The decision_rule of a query that a person decided; no rule overwrites it.
VERDICT = "verdict"
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
    """The scores in one text (curation/patterns.py); empty unless every judge has answered."""
    if not row or None in row:
        return ""
    said = {judge.pk: one for judge, one in zip(judges, row, strict=True) if one is not None}
    return " ".join(f"{pk}={said[pk].value or '-'}" for pk in sorted(said))


def store_facts(query_ids: Sequence[int], judges: Sequence[Judge]) -> None:
    """Write what was said of queries that all judges have answered, and the facts of those no rule has decided.

    `decide` brings the others up to date: it changes facts and decision of a query together.
    """
    rows = rows_of(query_ids, judges)
    answered = {query_id: row for query_id, row in rows.items() if pattern_of(row, judges)}
    by_rule = Query.objects.filter(pk__in=answered).exclude(decision=Decision.NONE).exclude(decision_rule=VERDICT)
    decided = set(by_rule.values_list("pk", flat=True))
    alike: dict[tuple[str, Facts, bool], list[int]] = defaultdict(list)
    for query_id, row in answered.items():
        alike[pattern_of(row, judges), facts_of(row), query_id in decided].append(query_id)
    for (pattern, facts, is_decided), ids in alike.items():
        columns = {"scoring": facts.scoring, "mean": facts.mean, "raw_gap": facts.raw_gap}
        Query.objects.filter(pk__in=ids).update(ratings=pattern, **({} if is_decided else columns))
    store_expected(answered, judges)


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
