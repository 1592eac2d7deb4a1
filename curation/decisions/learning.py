"""What people's verdicts teach: who was right, what each template's levels are worth, how well a rule does."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Q

from curation.audits.estimation import Judged, Share, precision, recall
from curation.audits.majority import majority
from curation.decisions.calibration import CalibrationTable, calibrate
from curation.decisions.rules import Rule, Scales, reading_of
from curation.models import AuditSample, Calibration, Decision, Judge, Stratum, Verdict, WhoWasRight
from curation.readings import Row, Said
from curation.scores.patterns import level_of, row_of

THRESHOLDS = tuple(step / 4 for step in range(4, 21))


@dataclass(frozen=True, slots=True)
class Lesson:
    """What people said of one query: the mean of their levels and their majority on keeping it, beside its scores."""

    pattern: str
    expected: float | None
    value: float
    keep: bool
    stratum: str
    weight: float


def lessons() -> list[Lesson]:
    """One for each query with a standing verdict; of an even split on keeping, the last word counts."""
    by_query: defaultdict[int, list[Verdict]] = defaultdict(list)
    verdicts = Verdict.objects.filter(withdrawn=False).select_related("query").order_by("pk")
    columns = ["value", "keep", "stratum", "weight", "query__ratings", "query__expected"]
    for verdict in verdicts.only(*columns):
        by_query[verdict.query_id].append(verdict)
    return _weighted([_lesson(given) for given in by_query.values()])


def _weighted(learnt: Sequence[Lesson]) -> list[Lesson]:
    """While a sample is half judged, what is judged of a stratum stands for all of it; its order was drawn too.

    Strata of a sample that was withdrawn, or followed by another, stand for nothing.
    """
    sizes: dict[str, int] = {}
    for stratum in Stratum.objects.select_related("sample"):
        sizes[str(stratum)] = 0 if stratum.sample.withdrawn else stratum.size
    judged = Counter(lesson.stratum for lesson in learnt)

    def weighted(lesson: Lesson) -> Lesson:
        if lesson.stratum not in sizes:
            return lesson
        if size := sizes[lesson.stratum]:
            return replace(lesson, weight=size / judged[lesson.stratum])
        return replace(lesson, stratum="", weight=1.0)

    return [weighted(lesson) for lesson in learnt]


def _lesson(given: Sequence[Verdict]) -> Lesson:
    sampled = next((verdict for verdict in given if verdict.stratum), given[-1])
    return Lesson(
        pattern=given[0].query.ratings,
        expected=given[0].query.expected,
        value=sum(verdict.value for verdict in given) / len(given),
        keep=majority([verdict.keep for verdict in given]),
        stratum=sampled.stratum,
        weight=sampled.weight if sampled.stratum else 1.0,
    )


@dataclass(frozen=True, slots=True)
class Strata:
    """How far a sample is judged: its strata, those of which nothing is judged yet, and its queries."""

    count: int
    unseen: int
    judged: int
    drawn: int


def strata_of(sample: AuditSample | None) -> Strata | None:
    """How far the sample is judged; None without one."""
    if sample is None:
        return None
    standing = Q(queries__query__verdicts__withdrawn=False)
    judged = Count("queries__query", filter=standing, distinct=True)
    rows = list(sample.strata.annotate(judged=judged).values_list("drawn", "judged"))
    return Strata(
        count=len(rows),
        unseen=sum(1 for _, seen in rows if not seen),
        judged=sum(seen for _, seen in rows),
        drawn=sum(drawn for drawn, _ in rows),
    )


def who_was_right() -> dict[str, int]:
    """How often each answer was given, in the order of the answers."""
    verdicts = Verdict.objects.filter(withdrawn=False).exclude(who_was_right="").order_by()
    counts = dict(verdicts.values_list("who_was_right").annotate(n=Count("pk")))
    return {who: counts.get(who, 0) for who in WhoWasRight.values}


def calibrations(judges: Sequence[Judge], learnt: Sequence[Lesson]) -> list[CalibrationTable | None]:
    """Each judge's table, from the queries that it rated readably and people judged."""
    return [
        calibrate(
            [(level, lesson.value, lesson.weight) for lesson in learnt if (level := level_of(lesson.pattern, judge))]
        )
        for judge in judges
    ]


def store_calibrations(judges: Sequence[Judge], tables: Sequence[CalibrationTable | None]) -> list[Calibration]:
    """The tables as rows, so that a decision by them can be understood later; what stands already is not repeated."""
    stored = []
    for judge, table in zip(judges, tables, strict=True):
        if table is None:
            continue
        newest = Calibration.objects.filter(template=judge.template).first()
        if newest is None or (newest.table, newest.counts) != (list(table.table), list(table.counts)):
            newest = Calibration.objects.create(
                template=judge.template, table=list(table.table), counts=list(table.counts)
            )
        stored.append(newest)
    return stored


def judged_by(rule: Rule, learnt: Sequence[Lesson], judges: Sequence[Judge], scales: Scales) -> list[Judged]:
    """What the rule does with each sampled query, beside what people say; queries no sample drew say nothing of the
    pool."""
    return [
        Judged(lesson.stratum, lesson.weight, _decision(rule, lesson, judges, scales) == Decision.KEEP, lesson.keep)
        for lesson in learnt
        if lesson.stratum
    ]


def _decision(rule: Rule, lesson: Lesson, judges: Sequence[Judge], scales: Scales) -> Decision:
    row = row_of(lesson.pattern, judges)
    return rule.decide(None if row is None else reading_of(_with_expected(row, lesson.expected), scales))


def _with_expected(row: Row, expected: float | None) -> Row:
    """The mean of the expected values stands for each of them: a rule looks at their mean alone."""
    return tuple(None if said is None else Said(said.value, expected) for said in row)


@dataclass(frozen=True, slots=True)
class Estimate:
    """How a rule does on the whole pool, by the sample."""

    rule: Rule
    precision: Share | None
    recall: Share | None


def estimate(rule: Rule, learnt: Sequence[Lesson], judges: Sequence[Judge], scales: Scales) -> Estimate:
    sample = judged_by(rule, learnt, judges, scales)
    return Estimate(rule, precision(sample), recall(sample))


def best_threshold(
    name: str, wanted: float, learnt: Sequence[Lesson], judges: Sequence[Judge], scales: Scales
) -> Estimate | None:
    """Of the thresholds at which the rule is at least as precise as wanted, the highest that keeps most of what is
    right; None when none is."""
    tried = (estimate(Rule(name, threshold), learnt, judges, scales) for threshold in THRESHOLDS)
    fit = [one for one in tried if one.precision and one.recall and one.precision.value >= wanted]
    return max(fit, key=lambda one: (one.recall.value if one.recall else 0.0, one.rule.threshold), default=None)
