"""What the rubric lab shows: for each judge on one sample, how readable, how spread, how agreeing, at what price."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import pstdev
from typing import Any

from django.db.models import Count, Q, Sum

from curation.agreement import exact, quadratic_kappa, within_one
from curation.models import Judge, Score, ScoreState
from curation.readings import Row, rows_of

# Sums that the ledger gives for the replies of one judge.
SUMS = {
    "tokens": Sum("call__prompt_tokens") + Sum("call__completion_tokens"),
    "usd": Sum("call__cost"),
    "unpriced": Count("pk", filter=Q(call__cost__isnull=True)),
}


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
    # For each other template in the same answer order: counts of (own score, its score).
    pairs: dict[str, Counter[tuple[int, int]]] = field(default_factory=dict)

    @property
    def readable(self) -> int:
        return self.levels.total()


def compare(judges: Sequence[Judge], blocks: Iterable[list[int]]) -> list[Arm]:
    """The arms of a lab, judge by judge, from the scores at hand on the sampled queries."""
    arms = [Arm(judge) for judge in judges]
    for block in blocks:
        rows = rows_of(block, judges)
        for place, arm in enumerate(arms):
            _add_scores(arm, place, rows.values(), arms)
            _add_price(arm, block)
    return arms


def _add_scores(arm: Arm, place: int, rows: Iterable[Row], arms: Sequence[Arm]) -> None:
    order = arm.judge.template.answer_order
    rivals = [
        (number, other.judge.template.name)
        for number, other in enumerate(arms)
        if number != place and other.judge.template.answer_order == order
    ]
    for row in rows:
        said = row[place]
        if said is None or said.value is None:
            continue
        arm.levels[said.value] += 1
        for number, name in rivals:
            other = row[number]
            if other is not None and other.value is not None:
                arm.pairs.setdefault(name, Counter())[said.value, other.value] += 1


def _add_price(arm: Arm, block: list[int]) -> None:
    scores = Score.objects.filter(judge=arm.judge, query__in=block)
    reminded = Q(call__sample__gt=arm.judge.draw) | Q(state=ScoreState.UNREADABLE)
    sums = scores.aggregate(answered=Count("pk"), reminded=Count("pk", filter=reminded), **SUMS)
    arm.answered += sums["answered"]
    arm.reminded += sums["reminded"]
    arm.unpriced += sums["unpriced"]
    arm.tokens += sums["tokens"] or 0
    arm.usd += sums["usd"] or Decimal(0)


def arm_as_json(arm: Arm) -> dict[str, Any]:
    """One arm of the report; a figure that nothing is known of is null."""
    template = arm.judge.template
    return {
        "template": f"{template.name} v{template.version}",
        "order": template.answer_order,
        "model": arm.judge.model,
        "n": arm.answered,
        "readable": arm.readable / arm.answered if arm.answered else None,
        "reminded": arm.reminded,
        "spread": pstdev(arm.levels.elements()) if arm.readable else None,
        "levels": [arm.levels[level] for level in range(1, 6)],
        "agreement": {name: _agreement(pairs) for name, pairs in arm.pairs.items()},
        "tokens": arm.tokens,
        "usd": None if arm.unpriced else float(arm.usd),
    }


def _agreement(pairs: Mapping[tuple[int, int], int]) -> dict[str, float | int | None]:
    return {
        "n": sum(pairs.values()),
        "exact": exact(pairs),
        "within_one": within_one(pairs),
        "kappa": quadratic_kappa(pairs),
    }


def report_lines(arms: Iterable[Mapping[str, Any]]) -> list[str]:
    """The report as a table for people."""
    head = (
        f"{'template':<28} {'order':<13} {'n':>5} {'readable':>9} {'spread':>7} {'kappa':>6} {'tokens':>9} {'USD':>10}"
    )
    return [head, *(_line(arm) for arm in arms)]


def _line(arm: Mapping[str, Any]) -> str:
    kappas = [_figure(agreement["kappa"]) for agreement in arm["agreement"].values()]
    readable = "–" if arm["readable"] is None else f"{arm['readable']:.1%}"
    usd = "–" if arm["usd"] is None else f"{arm['usd']:.4f}"
    return (
        f"{arm['template']:<28} {arm['order']:<13} {arm['n']:>5} {readable:>9} {_figure(arm['spread']):>7} "
        f"{' '.join(kappas) or '–':>6} {arm['tokens']:>9} {usd:>10}"
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
