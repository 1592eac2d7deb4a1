"""What a rule would do before it does it: how many queries it keeps at each threshold, and which would flip."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from curation.decisions.learning import Lesson, calibrations, lessons
from curation.decisions.rules import EXPECTED, ROUNDING, Rule, Scales, reading_of
from curation.models import Decision, ExpectedCount, Judge, Query
from curation.models.counts import HUNDREDTHS
from curation.models.queries import QueryQuerySet
from curation.scores.judges import counting_judges
from curation.scores.linking import IDENTITY, UNCHANGED, LinkTable, link
from curation.scores.patterns import pairs_in, row_of, tally
from web.kept_counts import summed


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a rule can be tried on: the pool's patterns, each with how it is decided now, and the scales."""

    judges: Sequence[Judge]
    scales: Scales
    # (pattern, how it is decided, whether by a person) → how many queries
    patterns: Mapping[tuple[str, str, bool], int]
    # (hundredths of the expected value, how it is decided, whether by a person) → how many queries
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
    """Read the pool by pattern and by expected value, and what people decided."""
    judges = counting_judges()
    patterns = tally("decision", "by_person")
    expected = summed(ExpectedCount.objects.all(), "hundredth", "decision", "by_person")
    learnt = lessons()
    scales = Scales(linked_scales(judges, patterns), calibrations(judges, learnt))
    return Ground(judges, scales, patterns, expected, learnt)


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
    for target, decision, is_verdict, count in _fates(rule, on):
        now = Decision(decision)
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
    others = Query.objects.in_play().decided_by_rules().exclude(decision=to)
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
    """(what the rule says, the decision that stands, whether it is a person's, how many queries)."""
    if rule.name == EXPECTED:
        return _fates_by_expected(round(rule.threshold * HUNDREDTHS), on)
    current = [one for one in on.patterns.items() if row_of(one[0][0], on.judges) is not None]
    return [(_fate(rule, pattern, on), decision, by_person, n) for (pattern, decision, by_person), n in current]


def _fates_by_expected(least: int, on: Ground) -> list[tuple[Decision, str, bool, int]]:
    told = [
        (Decision.KEEP if value >= least else Decision.DROP, decision, by_person, n)
        for (value, decision, by_person), n in on.expected.items()
    ]
    silent: Counter[tuple[str, bool]] = Counter()
    for (_, decision, by_person), n in on.patterns.items():
        silent[decision, by_person] += n
    for (_, decision, by_person), n in on.expected.items():
        silent[decision, by_person] -= n
    return [*told, *((Decision.NONE, decision, by_person, n) for (decision, by_person), n in silent.items())]


def _fate(rule: Rule, pattern: str, on: Ground) -> Decision:
    row = row_of(pattern, on.judges)
    return rule.decide(None if row is None else reading_of(row, on.scales))
