"""What the audit desk shows around a query: the rail, the place in the queue, and both judges on one scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from curation.audits import auditing
from curation.audits.auditing import CELL, Only
from curation.models import Link, Query, Score, Source, Template, Verdict, WhoWasRight
from curation.scores.cells import cell_in_words, patterns_in
from curation.scores.judges import counting_judges
from llm.catalog import load_catalog
from llm.entries import CatalogError
from web.desk import Choice, Place, choices_of, with_filters
from web.kept_counts import summed, total

FILTERS = {"source": "origin", "language": "written_in", "cell": CELL}
DECISIONS_SHOWN = 10
HALF_A_LEVEL = 0.5
LETTERS = "ABCDEFGH"
# The drawing of the scale: five levels 100 units apart, one row per mark.
SCALE_LEFT, SCALE_STEP, SCALE_TOP, SCALE_ROW = 90, 100, 34, 26


@dataclass(frozen=True, slots=True)
class Rail:
    """The left side: how the queue stands, how it may be narrowed, and what this person decided last."""

    held_by_others: int
    put_off: int
    today: int
    filters: Sequence[tuple[str, Sequence[Choice]]]
    decisions: Sequence[Verdict]


@dataclass(frozen=True, slots=True)
class Side:
    """One judge's word on a query, as given and as it reads on the first judge's scale."""

    letter: str
    score: Score
    label: str
    linked: float | None
    scripted: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of the drawing: who, and where, in its own units."""

    name: str
    at: float
    x: float
    y: int


@dataclass(frozen=True, slots=True)
class Scale:
    """The drawing of several marks on one scale, in its own units."""

    ticks: Sequence[tuple[float, int, str]]
    marks: Sequence[Mark]
    height: int


@dataclass(frozen=True, slots=True)
class Level:
    """One level people may rate, and the name of its key."""

    number: int
    label: str
    key: str


def narrowed_to(asked: Mapping[str, str]) -> Only:
    """The filters of the address by column; a source that is not there has no queries."""
    only: dict[str, Any] = {FILTERS[name]: value for name, value in asked.items()}
    if "source" in asked:
        only[FILTERS["source"]] = Source.objects.filter(slug=asked["source"]).values_list("pk", flat=True).first() or 0
    if "cell" in asked:
        only[CELL] = patterns_in(asked["cell"])
    return only


def rail_for(reader: User, *, at: datetime, asked: Mapping[str, str], address: str) -> Rail:
    """The rail as this person meets it."""
    only = narrowed_to({"cell": asked["cell"]} if "cell" in asked else {})
    waiting = auditing.waiting_cells(only)
    mine = Verdict.objects.filter(by=reader, withdrawn=False)
    slugs = dict(Source.objects.values_list("pk", "slug"))
    by_source = {slugs[pk]: count for pk, count in summed(waiting, "source_id").items()}
    counts = {"source": by_source, "language": summed(waiting, "language")}
    filters = [(name, choices_of(name, found, asked=asked, address=address)) for name, found in counts.items()]
    return Rail(
        held_by_others=auditing.count_held_by_others(reader, at=at, only=only),
        put_off=auditing.count_skipped(reader, at=at),
        today=mine.filter(at__gte=timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)).count(),
        filters=[*_cell_choices(total(waiting), asked, address), *filters],
        decisions=list(mine.select_related("query").defer("query__response")[:DECISIONS_SHOWN]),
    )


def _cell_choices(waiting: int, asked: Mapping[str, str], address: str) -> list[tuple[str, Sequence[Choice]]]:
    """The chosen cell of the matrix, and the way back to the whole queue."""
    if "cell" not in asked:
        return []
    others = {name: value for name, value in asked.items() if name != "cell"}
    chosen = Choice(cell_in_words(asked["cell"]), waiting, with_filters(address, asked), is_current=True)
    whole = total(auditing.waiting_cells())
    return [("cell", [Choice("the whole queue", whole, with_filters(address, others), is_current=False), chosen])]


def place_of(query: Query | None, reader: User, *, at: datetime, asked: Mapping[str, str]) -> Place:
    """Where the query stands in this person's queue, and how much of the queue is judged."""
    only = narrowed_to(asked)
    waiting = auditing.count_waiting(reader, at=at, only=only)
    before = Q(pk__in=[]) if query is None else auditing.ahead_of(query, only)
    ahead = auditing.count_waiting(reader, at=at, only=only, within=before)
    return Place(position=ahead + 1, waiting=waiting, done=auditing.count_judged(only))


def right_by(sides: Sequence[Side], value: int) -> str:
    """Who was right by the reader's own rating: each judge that lies within half a level of it."""
    near = [side.linked is not None and abs(side.linked - value) <= HALF_A_LEVEL for side in sides[:2]]
    first, second = (*near, False, False)[:2]
    if first and second:
        return WhoWasRight.BOTH.value
    return (WhoWasRight.FIRST if first else WhoWasRight.SECOND if second else WhoWasRight.NEITHER).value


def rubric() -> list[Level]:
    """The five levels of the first judge's template: the scale people rate on."""
    judges = counting_judges()
    anchor = judges[0].template if judges else Template.objects.order_by("pk").first()
    labels = anchor.level_labels if anchor else [""] * 5
    return [Level(number, label, f"rate_{number}") for number, label in enumerate(labels, start=1)]


def sides_of(query: Query) -> list[Side]:
    """What each judge that counts said, the one whose scale is the common one first."""
    judges = counting_judges()
    said = {
        score.judge_id: score
        for score in query.scores.select_related("judge__template", "call").defer("call__request", "call__response")
    }
    scores = [said[judge.pk] for judge in judges if judge.pk in said]
    tables = _newest_links(scores)
    scripted = _scripted_models()
    return [
        Side(
            letter=letter,
            score=score,
            label=score.judge.template.level_labels[score.value - 1] if score.value else "",
            linked=_linked(query, score, tables),
            scripted=score.judge.model in scripted,
        )
        for letter, score in zip(LETTERS, scores, strict=False)
    ]


def scale_of(sides: Sequence[Side], value: int, levels: Sequence[Level]) -> Scale:
    """The judges and the reader as marks on the five levels of the common scale."""
    read = [(side.letter, side.linked) for side in sides if side.linked is not None]
    rows = [*read, ("You", float(value))]
    return Scale(
        ticks=[(_across(level.number), level.number, level.label) for level in levels],
        marks=[Mark(name, at, x=_across(at), y=SCALE_TOP + row * SCALE_ROW) for row, (name, at) in enumerate(rows)],
        height=SCALE_TOP + len(rows) * SCALE_ROW,
    )


def _across(value: float) -> float:
    return SCALE_LEFT + (value - 1) * SCALE_STEP


def _linked(query: Query, score: Score, tables: Mapping[int, Sequence[float]]) -> float | None:
    """On the common scale as it was decided; for a query that no rule could decide, by the newest link."""
    if score.value is None:
        return None
    inputs = query.decision_inputs.get(score.judge.template.name)
    if inputs is not None and inputs["raw"] == score.value:
        return float(inputs["linked"])
    table = tables.get(score.judge.template_id)
    return float(table[score.value - 1] if table else score.value)


def _newest_links(scores: Sequence[Score]) -> dict[int, Sequence[float]]:
    templates = [score.judge.template_id for score in scores]
    links = Link.objects.filter(template__in=templates).order_by("pk").values_list("template_id", "table")
    return dict(links)


def _scripted_models() -> set[str]:
    """Models that answer from a script; a broken models file is told on the start page, not here."""
    try:
        models = load_catalog(settings.MODELS_FILE).models
    except CatalogError:
        return set()
    return {slug for slug, model in models.items() if model.endpoint.scripted}
