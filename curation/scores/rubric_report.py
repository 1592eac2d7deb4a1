"""What the rubric lab shows: for each arm on one sample, how readable, how spread, how agreeing, at what price."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import floor
from typing import Any

from django.db.models import Avg, Count, Q, Sum

from curation.models import Judge, Score, ScoreState, Verdict
from curation.readings import BLOCK, Row, rows_of
from curation.scores.intervals import Figure, figures, spread_of, wilson
from curation.scores.worth import Twins, twins_among

# Sums that the ledger gives for the replies of one judge.
SUMS = {
    "tokens": Sum("call__prompt_tokens") + Sum("call__completion_tokens"),
    "usd": Sum("call__cost"),
    "unpriced": Count("pk", filter=Q(call__cost__isnull=True)),
}
SHOWN = ("exact", "within_one", "kappa", "spearman", "offset")


@dataclass
class Arm:
    """One judge in the lab. Tokens and money are those of the replies the scores were read from."""

    judge: Judge
    levels: Counter[int] = field(default_factory=Counter)
    answered: int = 0
    reminded: int = 0
    tokens: int = 0
    usd: Decimal = Decimal(0)
    unpriced: int = 0
    # Counts of (own score, the level that people give).
    people: Counter[tuple[int, int]] = field(default_factory=Counter)
    # For each other template in the same answer order, asked of the same model: counts of (own score, its score).
    pairs: dict[str, Counter[tuple[int, int]]] = field(default_factory=dict)

    @property
    def readable(self) -> int:
        return self.levels.total()

    @property
    def unreadable_share(self) -> Figure:
        return wilson(self.answered - self.readable, self.answered)

    @property
    def spread(self) -> Figure:
        """The standard deviation of the levels: an arm that gives the same to all tells nothing apart."""
        return spread_of(self.levels)

    @property
    def with_people(self) -> Mapping[str, Figure]:
        return figures(self.people)

    @property
    def with_templates(self) -> list[tuple[str, int, Mapping[str, Figure]]]:
        """For each other template its name, the queries that both rated, and the agreement."""
        return [(name, pairs.total(), figures(pairs)) for name, pairs in self.pairs.items()]

    @property
    def temperature(self) -> float:
        temperature: float = self.judge.sampling.get("temperature", 0.0)
        return temperature

    @property
    def cost(self) -> Decimal | None:
        """US dollars; None where a reply has no known price."""
        return None if self.unpriced else self.usd


@dataclass(frozen=True, slots=True)
class Report:
    """All arms of a lab, and what reasoning first is worth for each pair of arms that differ in the order alone."""

    arms: Sequence[Arm]
    twins: Sequence[Twins]
    judged: int

    def price_ratio(self, pair: Twins) -> float | None:
        """How many times the price of an answer with the score first one with the reason first costs."""
        first, second = (self.arms[place] for place in pair.places)
        if not first.cost or second.cost is None or not second.answered:
            return None
        return float(second.cost / second.answered) / float(first.cost / first.answered)

    def names(self) -> list[str]:
        """A name for each arm, as short as tells them apart."""
        several = len({(arm.judge.model, arm.temperature) for arm in self.arms}) > 1
        names = [str(arm.judge.template) for arm in self.arms]
        if not several:
            return names
        return [f"{name}, {arm.judge.model} at {arm.temperature:g}" for name, arm in zip(names, self.arms, strict=True)]


def compare(judges: Sequence[Judge], query_ids: Sequence[int]) -> Report:
    """The report on a sample, from the scores and verdicts at hand."""
    arms, twins, judged = [Arm(judge) for judge in judges], twins_among(judges), 0
    for start in range(0, len(query_ids), BLOCK):
        block = query_ids[start : start + BLOCK]
        rows, people = rows_of(block, judges), levels_of_people(block)
        judged += len(people)
        for place, arm in enumerate(arms):
            _add_scores(arm, place, rows, arms)
            _add_people(arm, place, rows, people)
            _add_price(arm, block)
        for pair in twins:
            pair.add(rows, people)
    return Report(arms, twins, judged)


def levels_of_people(query_ids: Sequence[int]) -> dict[int, int]:
    """The level that people give each query they have judged: the mean of their verdicts, to the nearest level."""
    verdicts = Verdict.objects.filter(withdrawn=False, query__in=query_ids).order_by()
    means = verdicts.values_list("query").annotate(mean=Avg("value"))
    return {query_id: floor(mean + 0.5) for query_id, mean in means}


def _add_scores(arm: Arm, place: int, rows: Mapping[int, Row], arms: Sequence[Arm]) -> None:
    rivals = [(number, str(other.judge.template)) for number, other in enumerate(arms) if _are_rivals(arm, other)]
    for row in rows.values():
        said = row[place]
        if said is None or said.value is None:
            continue
        arm.levels[said.value] += 1
        for number, name in rivals:
            other = row[number]
            if other is not None and other.value is not None:
                arm.pairs.setdefault(name, Counter())[said.value, other.value] += 1


def _are_rivals(arm: Arm, other: Arm) -> bool:
    mine, theirs = arm.judge, other.judge
    asked_alike = (mine.model, mine.sampling, mine.draw) == (theirs.model, theirs.sampling, theirs.draw)
    alike = mine.template.answer_order == theirs.template.answer_order
    return mine.template_id != theirs.template_id and asked_alike and alike


def _add_people(arm: Arm, place: int, rows: Mapping[int, Row], people: Mapping[int, int]) -> None:
    for query_id, level in people.items():
        said = rows[query_id][place]
        if said is not None and said.value is not None:
            arm.people[said.value, level] += 1


def _add_price(arm: Arm, block: Sequence[int]) -> None:
    scores = Score.objects.filter(judge=arm.judge, query__in=block)
    reminded = Q(call__sample__gt=arm.judge.draw) | Q(state=ScoreState.UNREADABLE)
    sums = scores.aggregate(answered=Count("pk"), reminded=Count("pk", filter=reminded), **SUMS)
    arm.answered += sums["answered"]
    arm.reminded += sums["reminded"]
    arm.unpriced += sums["unpriced"]
    arm.tokens += sums["tokens"] or 0
    arm.usd += sums["usd"] or Decimal(0)


def report_as_json(report: Report) -> dict[str, Any]:
    """The report as one object."""
    return {
        "judged_queries": report.judged,
        "arms": [arm_as_json(arm) for arm in report.arms],
        "reason_first": [pair.as_json() | {"price_ratio": report.price_ratio(pair)} for pair in report.twins],
    }


def arm_as_json(arm: Arm) -> dict[str, Any]:
    """One arm; a figure that nothing is known of is null, an interval of 95 % stands beside each that has one."""
    return {
        "judge": arm.judge.pk,
        "template": str(arm.judge.template),
        "order": arm.judge.template.answer_order,
        "model": arm.judge.model,
        "temperature": arm.temperature,
        "n": arm.answered,
        "readable": arm.readable / arm.answered if arm.answered else None,
        "unreadable": figure_as_json(arm.unreadable_share),
        "reminded": arm.reminded,
        "spread": arm.spread.value,
        "spread_interval": [arm.spread.low, arm.spread.high],
        "levels": [arm.levels[level] for level in range(1, 6)],
        "people": _agreement(arm.people),
        "agreement": {name: _agreement(pairs) for name, pairs in arm.pairs.items()},
        "tokens": arm.tokens,
        "usd": None if arm.cost is None else float(arm.cost),
    }


def figure_as_json(figure: Figure) -> dict[str, float | None]:
    """A figure with the ends of its interval."""
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _agreement(pairs: Counter[tuple[int, int]]) -> dict[str, Any]:
    found = figures(pairs)
    return {"n": pairs.total()} | {name: figure_as_json(found[name]) for name in SHOWN}


def report_lines(report: Report) -> list[str]:
    """The report as a table for people."""
    head = (
        f"{'arm':<34} {'n':>5} {'readable':>9} {'spread':>7} {'kappa with people':>20} "
        f"{'kappa with template':>20} {'tokens':>9} {'USD':>10}"
    )
    lines = [_line(name, arm) for name, arm in zip(report.names(), report.arms, strict=True)]
    return [head, *lines, *(pair.words() for pair in report.twins)]


def _line(name: str, arm: Arm) -> str:
    between = [_figure(found["kappa"]) for _, _, found in arm.with_templates]
    readable = "–" if not arm.answered else f"{arm.readable / arm.answered:.1%}"
    usd = "–" if arm.cost is None else f"{arm.cost:.4f}"
    spread = "–" if arm.spread.value is None else f"{arm.spread.value:.2f}"
    return (
        f"{name:<34} {arm.answered:>5} {readable:>9} {spread:>7} {_figure(arm.with_people['kappa']):>20} "
        f"{' '.join(between) or '–':>20} {arm.tokens:>9} {usd:>10}"
    )


def _figure(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    return f"{figure.value:.2f}" if figure.low is None else f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"
