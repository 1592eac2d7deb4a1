"""Keep rules as plain functions of a query's scores, and when two judges are in dispute. Nothing here reads tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor
from statistics import fmean
from typing import Any

from curation.decisions.calibration import CalibrationTable
from curation.models import Decision, Scoring
from curation.readings import Row, facts_of
from curation.scores.linking import DIGITS, LinkTable

# The paper's filter: both ratings averaged, 4 and 5 are kept.
DEFAULT_RULE, DEFAULT_THRESHOLD = "mean_at_least", 4.0
DISPUTED_GAP = 2.0
HIGHEST_RISK, FARTHEST = 100, 4.0
# Linked values are rounded quotients: a mean that reaches the threshold but for this has reached it.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Reading:
    """The scores of one query that every judge rated readably, judge by judge."""

    raw: tuple[int, ...]
    linked: tuple[float, ...]
    expected: tuple[float | None, ...]
    # What people give queries of that level on average; None where there were too few verdicts to tell.
    calibrated: tuple[float | None, ...] = ()


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return fmean(given) if given and len(given) == len(values) else None


# What a rule looks at: this figure has to reach the threshold. None: the rule cannot tell, so nothing is decided.
RULES: dict[str, Callable[[Reading], float | None]] = {
    "mean_at_least": lambda reading: fmean(reading.raw),
    "linked_mean_at_least": lambda reading: fmean(reading.linked),
    "both_at_least": lambda reading: min(reading.raw),
    "any_at_least": lambda reading: max(reading.raw),
    "expected_at_least": lambda reading: _mean_of_all(reading.expected),
    "calibrated_mean_at_least": lambda reading: _mean_of_all(reading.calibrated),
}


EXPECTED, CALIBRATED = "expected_at_least", "calibrated_mean_at_least"
# Rules that look at scores alone: queries with the same scores have one fate.
OF_SCORES = tuple(name for name in RULES if name != EXPECTED)


class BadRule(ValueError):
    """No such rule, or a threshold outside the scale."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by name with its threshold; its text is what a decided query stores."""

    name: str = DEFAULT_RULE
    threshold: float = DEFAULT_THRESHOLD

    def __post_init__(self) -> None:
        if self.name not in RULES:
            raise BadRule(f"no rule is called {self.name!r}; the rules are {', '.join(RULES)}")
        if not 1 <= self.threshold <= 5:
            raise BadRule(f"the threshold {self.threshold} lies outside the scale; choose one from 1 to 5")

    def __str__(self) -> str:
        return f"{self.name} {self.threshold}"

    def decide(self, reading: Reading | None) -> Decision:
        """Keep or drop; undecided without a readable score of every judge, which is never guessed."""
        figure = None if reading is None else RULES[self.name](reading)
        if figure is None:
            return Decision.NONE
        return Decision.KEEP if figure >= self.threshold - ROUNDING else Decision.DROP


@dataclass(frozen=True, slots=True)
class Scales:
    """How each judge's levels are read, judge by judge: on the anchor's scale, and by what verdicts taught."""

    links: Sequence[LinkTable]
    calibrations: Sequence[CalibrationTable | None] = ()

    def calibrated(self, values: Sequence[int]) -> tuple[float | None, ...]:
        """The worth of the judges' levels; None for a judge without a calibration."""
        known = self.calibrations or [None] * len(values)
        return tuple(table.worth_of(value) if table else None for table, value in zip(known, values, strict=True))


def reading_of(row: Row, scales: Scales) -> Reading | None:
    """The scores side by side; None unless every judge gave a readable one."""
    values = [said.value for said in row if said is not None and said.value is not None]
    if not row or len(values) < len(row):
        return None
    linked = tuple(table.onto_anchor(value) for table, value in zip(scales.links, values, strict=True))
    expected = tuple(said.expected for said in row if said is not None)
    return Reading(tuple(values), linked, expected, scales.calibrated(values))


def is_disputed(reading: Reading, rule: Rule) -> bool:
    """Whether the judges, read on one scale, lie two levels apart or on different sides of the threshold.

    A linked score counts as the level it is nearest to: two judges of equal habits link 4 to 3.99 by chance of the
    sample, and their fours are no dispute.
    """
    reached = {floor(value + 0.5 + ROUNDING) >= rule.threshold for value in reading.linked}
    return len(reached) > 1 or linked_gap_of(reading) >= DISPUTED_GAP


def linked_gap_of(reading: Reading) -> float:
    return round(max(reading.linked) - min(reading.linked), DIGITS)


def flip_risk_of(reading: Reading | None, rule: Rule) -> int:
    """How easily one other score would change sides, in hundredths: by how near the rule's figure lies to its
    threshold; 100 where the rule cannot tell."""
    figure = None if reading is None else RULES[rule.name](reading)
    if figure is None:
        return HIGHEST_RISK
    return round(HIGHEST_RISK * (1 - min(1.0, abs(figure - rule.threshold) / FARTHEST)))


def standing(row: Row, scales: Scales, names: Sequence[str], rule: Rule) -> dict[str, Any]:
    """What a query's columns should say by the rule, given its scores. Nothing else enters."""
    facts, reading = facts_of(row), reading_of(row, scales)
    decision = rule.decide(reading)
    columns: dict[str, Any] = {
        "scoring": facts.scoring,
        "mean": facts.mean,
        "raw_gap": facts.raw_gap,
        "linked_gap": None if reading is None else linked_gap_of(reading),
        "disputed": facts.scoring == Scoring.UNREADABLE if reading is None else is_disputed(reading, rule),
        "flip_risk": 0 if facts.scoring == Scoring.NONE else flip_risk_of(reading, rule),
        "decision": decision,
        "decision_rule": "",
        "decision_inputs": {},
    }
    if reading is not None and decision != Decision.NONE:
        columns |= {"decision_rule": str(rule), "decision_inputs": _inputs(reading, names, rule)}
    return columns


def _inputs(reading: Reading, names: Sequence[str], rule: Rule) -> dict[str, dict[str, float | None]]:
    inputs: dict[str, dict[str, float | None]] = {
        name: {"raw": raw, "linked": linked}
        for name, raw, linked in zip(names, reading.raw, reading.linked, strict=True)
    }
    # Expected values differ from query to query, and calibrations with each verdict: stored only where they decided.
    further = {EXPECTED: ("expected", reading.expected), CALIBRATED: ("calibrated", reading.calibrated)}
    if rule.name in further:
        what, values = further[rule.name]
        for name, value in zip(names, values, strict=True):
            inputs[name][what] = value
    return inputs
