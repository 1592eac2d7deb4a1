"""Whether it is worth its price to let a model reason before it scores: two arms that differ in the order alone."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.models import AnswerOrder, Judge
from curation.readings import Row
from curation.scores.agreement import quadratic_kappa
from curation.scores.intervals import SEED, Figure, bootstrapped

Triple = tuple[int, int, int]


@dataclass
class Twins:
    """The same prompt with the score first and with the reason first, asked of the same model in the same way."""

    score_first: Judge
    reason_first: Judge
    places: tuple[int, int]
    # Counts of (score first, reason first, people).
    triples: Counter[Triple] = field(default_factory=Counter)

    def add(self, rows: Mapping[int, Row], people: Mapping[int, int]) -> None:
        """Count the queries that people have judged and both arms have rated."""
        for query_id, level in people.items():
            first, second = (rows[query_id][place] for place in self.places)
            if first is not None and second is not None and first.value is not None and second.value is not None:
                self.triples[first.value, second.value, level] += 1

    @property
    def n(self) -> int:
        return self.triples.total()

    @property
    def gain(self) -> Figure:
        """How much better reasoning first agrees with people: the difference of the two kappas, query by query."""
        value = _gain(self.triples)
        if value is None:
            return Figure(None)
        drawn = bootstrapped(self.triples, {"gain": _gain}, rng=random.Random(SEED))
        return Figure(value, *drawn["gain"])

    def answer(self) -> str:
        """The answer in words."""
        gain = self.gain
        if gain.value is None or gain.low is None or gain.high is None:
            return "too few verdicts on this sample to tell"
        if gain.low > 0:
            return "reasoning first agrees better with people"
        if gain.high < 0:
            return "reasoning first agrees less with people"
        return "no difference can be told from these verdicts"

    def words(self) -> str:
        """The answer as a line of the command."""
        gain = self.gain
        figure = "" if gain.low is None else f": kappa {gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
        return f"{self.score_first.template}: {self.answer()}{figure} ({self.n} judged queries)"

    def as_json(self) -> dict[str, Any]:
        """The answer as an object."""
        gain = self.gain
        return {
            "score_first": self.score_first.pk,
            "reason_first": self.reason_first.pk,
            "n": self.n,
            "kappa_gain": {"value": gain.value, "low": gain.low, "high": gain.high},
            "answer": self.answer(),
        }


def twins_among(judges: Sequence[Judge]) -> list[Twins]:
    """The pairs of arms that differ in the answer order alone."""
    places = {judge.pk: place for place, judge in enumerate(judges)}
    return [
        Twins(first, second, (places[first.pk], places[second.pk]))
        for first in _in_order(judges, AnswerOrder.SCORE_FIRST)
        for second in _in_order(judges, AnswerOrder.REASON_FIRST)
        if _are_twins(first, second)
    ]


def _in_order(judges: Iterable[Judge], order: AnswerOrder) -> list[Judge]:
    return [judge for judge in judges if judge.template.answer_order == order]


def _are_twins(one: Judge, other: Judge) -> bool:
    asked_alike = (one.model, one.sampling, one.draw) == (other.model, other.sampling, other.draw)
    first, second = one.template, other.template
    return asked_alike and (first.body, first.level_labels) == (second.body, second.level_labels)


def _gain(triples: Mapping[Triple, float]) -> float | None:
    first, second = defaultdict[tuple[int, int], float](float), defaultdict[tuple[int, int], float](float)
    for (a, b, people), count in triples.items():
        first[a, people] += count
        second[b, people] += count
    before, after = quadratic_kappa(first), quadratic_kappa(second)
    return None if before is None or after is None else after - before
