"""What a rule would do before it does it: how many queries it keeps at each threshold, and which would flip."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, IntegerField, Q
from django.db.models.functions import Cast, Round

from curation.judges import counting_judges
from curation.learning import Lesson, calibrations, lessons
from curation.linking import IDENTITY, UNCHANGED, LinkTable, link
from curation.models import Contamination, Decision, Judge, Query, Stage
from curation.models.queries import QueryQuerySet
from curation.patterns import pairs_in, row_of, tally
from curation.readings import VERDICT
from curation.rules import EXPECTED, ROUNDING, Rule, Scales, reading_of

# How a stage reads as a decision; of the rest nothing has been decided.
DECIDED = {Stage.KEPT: Decision.KEEP, Stage.DROPPED: Decision.DROP}
# The stage of a query in play whose judges all gave an expected value.
STAGE_OF = {Decision.KEEP: Stage.KEPT, Decision.DROP: Stage.DROPPED, Decision.NONE: Stage.SCORED}
HUNDREDTHS = 100


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a rule can be tried on: the pool's patterns, each with how it is decided now, and the scales."""

    judges: Sequence[Judge]
    scales: Scales
    # (pattern, stage, whether a person decided) → how many queries
    patterns: Mapping[tuple[str, str, bool], int]
    # (hundredths of the expected value, stage, whether a person decided) → how many queries
    expected: Mapping[tuple[int, str, bool], int]
    learnt: Sequence[Lesson]

    @property
    def outdated(self) -> int:
        """Queries whose scores were last looked at when other judges counted; the next decision takes them along."""
        return sum(n for (pattern, _, _), n in self.patterns.items() if row_of(pattern, self.judges) is None)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the pool would stand after a decision, and how many queries would change their side."""

    rule: Rule
    kept: int
    dropped: int
    undecided: int
    to_keep: int
    to_drop: int
    to_undecided: int

    @property
    def flips(self) -> int:
        return self.to_keep + self.to_drop + self.to_undecided


def ground() -> Ground:
    """Read the pool once: two GROUP BY over indexes."""
    judges = counting_judges()
    patterns: Counter[tuple[str, str, bool]] = Counter()
    for (pattern, stage, rule), count in tally("stage", "decision_rule").items():
        patterns[pattern, stage, rule == VERDICT] += count
    learnt = lessons()
    scales = Scales(linked_scales(judges, patterns), calibrations(judges, learnt))
    return Ground(judges, scales, patterns, _expected_counts(), learnt)


def linked_scales(judges: Sequence[Judge], patterns: Mapping[tuple[str, str, bool], int]) -> list[LinkTable]:
    """Each judge's table onto the first judge's scale, from the patterns alone."""
    if not judges:
        return []
    counts: Counter[str] = Counter()
    for (pattern, _, _), count in patterns.items():
        counts[pattern] += count
    anchor, *others = judges
    return [LinkTable(UNCHANGED, IDENTITY, n=0), *(link(pairs_in(counts, anchor, judge)) for judge in others)]


def outlook(rule: Rule, on: Ground) -> Outlook:
    """What the rule would do. A person's decision stays, whatever it says."""
    after: Counter[Decision] = Counter()
    flips: Counter[Decision] = Counter()
    for target, stage, is_verdict, count in _fates(rule, on):
        now = DECIDED.get(Stage(stage), Decision.NONE)
        then = now if is_verdict else target
        after[then] += count
        if then != now:
            flips[then] += count
    return Outlook(
        rule,
        kept=after[Decision.KEEP],
        dropped=after[Decision.DROP],
        undecided=after[Decision.NONE],
        to_keep=flips[Decision.KEEP],
        to_drop=flips[Decision.DROP],
        to_undecided=flips[Decision.NONE],
    )


def flipping(rule: Rule, to: Decision, on: Ground) -> QueryQuerySet:
    """The queries that the rule would move to this side, from any other."""
    queries = Query.objects.in_play_by_stage().exclude(decision_rule=VERDICT)
    stage = {decision: stage for stage, decision in DECIDED.items()}.get(to)
    others = queries.exclude(stage=stage) if stage else queries.filter(stage__in=list(DECIDED))
    if rule.name == EXPECTED:
        reached = Q(expected__gte=rule.threshold - ROUNDING)
        return others.filter(
            {
                Decision.KEEP: reached,
                Decision.DROP: Q(expected__lt=rule.threshold - ROUNDING),
                Decision.NONE: Q(expected__isnull=True) & ~Q(ratings=""),
            }[to]
        )
    patterns = {pattern for pattern, _, _ in on.patterns if _fate(rule, pattern, on) == to}
    return others.filter(ratings__in=sorted(patterns))


def _fates(rule: Rule, on: Ground) -> list[tuple[Decision, str, bool, int]]:
    """(what the rule says, stage now, whether a person decided, how many queries)."""
    if rule.name == EXPECTED:
        return _fates_by_expected(round(rule.threshold * HUNDREDTHS), on)
    current = [one for one in on.patterns.items() if row_of(one[0][0], on.judges) is not None]
    return [(_fate(rule, pattern, on), stage, by_person, n) for (pattern, stage, by_person), n in current]


def _fates_by_expected(least: int, on: Ground) -> list[tuple[Decision, str, bool, int]]:
    told = [
        (Decision.KEEP if value >= least else Decision.DROP, stage, by_person, n)
        for (value, stage, by_person), n in on.expected.items()
    ]
    silent: Counter[tuple[str, bool]] = Counter()
    for (_, stage, by_person), n in on.patterns.items():
        silent[stage, by_person] += n
    for (_, stage, by_person), n in on.expected.items():
        silent[stage, by_person] -= n
    return [*told, *((Decision.NONE, stage, by_person, n) for (stage, by_person), n in silent.items())]


def _fate(rule: Rule, pattern: str, on: Ground) -> Decision:
    row = row_of(pattern, on.judges)
    return rule.decide(None if row is None else reading_of(row, on.scales))


def _expected_counts() -> Counter[tuple[int, str, bool]]:
    """How many queries have an expected value, by its hundredths (cut off, not rounded)."""
    # Said so that SQLite reads this index alone: all in play that have an expected value, which is 1 at the least.
    aside = Q(duplicate_of__isnull=False) | Q(contamination=Contamination.SET_ASIDE)
    known = Query.objects.filter(expected__isnull=False, expected__gte=1).exclude(aside).order_by()
    # Half less and rounded is cut off; FLOOR would call back into Python for each row on SQLite.
    value = Cast(Round(F("expected") * HUNDREDTHS + (ROUNDING * HUNDREDTHS - 0.5)), IntegerField())
    counts: Counter[tuple[int, str, bool]] = Counter()
    grouped = known.annotate(value=value).values_list("value", "decision", "decision_rule").annotate(n=Count("*"))
    for hundredths, decision, rule, count in grouped:
        counts[hundredths, STAGE_OF[Decision(decision)], rule == VERDICT] += count
    return counts
