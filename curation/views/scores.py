"""Pages about scores: how far two judges agree, how their scales are linked, and the queries behind a cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.roles import Role, needs
from curation.decisions.foreseeing import flipping, ground
from curation.decisions.rules import DEFAULT_RULE, DEFAULT_THRESHOLD, RULES, Reading, Rule, is_disputed
from curation.models import Decision, Judge, Query, Score
from curation.models.queries import QueryQuerySet
from curation.scores.agreeing import (
    GAPS,
    Pair,
    gaps,
    group_of,
    groups_by_language,
    groups_by_source,
    joint_ratings,
    pairs_of,
    readable,
)
from curation.scores.cells import cell_of
from curation.scores.judges import counting_judges, names_of
from curation.scores.linking import LEVELS, link
from curation.scores.patterns import patterns_with, tally
from curation.views.score_plots import link_plot
from runs.scripted import scripted_models
from web.counts import kept_for_a_while
from web.paging import page_of

SHOWN_OF_TEXT = 280
ROWS = (*LEVELS, None)
# In words, and as short as the head of a column.
MEASURES = {
    "exact": ("same level", "same"),
    "within_one": ("at most one apart", "within one"),
    "kappa": ("kappa, quadratic weights", "kappa"),
    "alpha": ("Krippendorff’s alpha, ordinal", "alpha"),
    "spearman": ("rank correlation", "rank corr."),
    "offset": ("mean offset, B less A", "offset"),
}
SHARES = ("exact", "within_one")
TO_WORDS = {Decision.KEEP: "come in", Decision.DROP: "fall out", Decision.NONE: "become undecided"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix: `heat` 0 to 5 by the order of magnitude of its share."""

    a: int | None
    b: int | None
    count: int
    heat: int
    disputed: bool
    address: str
    # The audit queue of the cell; empty where a judge does not count.
    queue: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The two judges that a page compares, and all there are to choose from."""

    first: Judge
    second: Judge
    judges: list[tuple[Judge, str]]

    def name_of(self, judge: Judge) -> str:
        return next(name for known, name in self.judges if known.pk == judge.pk)


@needs(Role.REVIEWER)
@require_GET
def show_agreement(request: HttpRequest) -> HttpResponse:
    """The matrix of two judges with every measure, over the pool and by source and language."""
    chosen = chosen_judges(request)
    if chosen is None:
        return render(request, "curation/agreement.html", {})
    ratings = kept_for_a_while(
        f"ratings:{chosen.first.pk}:{chosen.second.pk}", lambda: joint_ratings(chosen.first, chosen.second)
    )
    pairs = pairs_of(ratings)
    context = {
        "chosen": chosen,
        "a": chosen.name_of(chosen.first),
        "b": chosen.name_of(chosen.second),
        "levels": ROWS,
        "rows": _matrix(pairs, chosen),
        "whole": group_of("all", pairs),
        "measures": [(name, words, name in SHARES, short) for name, (words, short) in MEASURES.items()],
        "tables": [("Source", groups_by_source(ratings)), ("Language", groups_by_language(ratings))],
        "scripted": _scripted(chosen),
    }
    return render(request, "curation/agreement.html", context)


@needs(Role.REVIEWER)
@require_GET
def show_linking(request: HttpRequest) -> HttpResponse:
    """How the second judge's levels read on the first's scale, and what that does to the gaps."""
    chosen = chosen_judges(request)
    if chosen is None:
        return render(request, "curation/linking.html", {})
    ratings = kept_for_a_while(
        f"ratings:{chosen.first.pk}:{chosen.second.pk}", lambda: joint_ratings(chosen.first, chosen.second)
    )
    pairs = readable(pairs_of(ratings))
    table = link(pairs)
    raw, linked = gaps(pairs), gaps(pairs, table)
    levels = zip(LEVELS, chosen.second.template.level_labels, table.table, _margin(pairs), strict=True)
    context = {
        "chosen": chosen,
        "a": chosen.name_of(chosen.first),
        "b": chosen.name_of(chosen.second),
        "anchor_labels": list(zip(LEVELS, chosen.first.template.level_labels, strict=True)),
        "table": table,
        "levels": list(levels),
        "plot": link_plot({chosen.name_of(chosen.second): table}),
        "gaps": list(zip(GAPS, raw.counts, linked.counts, strict=True)),
        "raw": raw,
        "linked": linked,
        "scripted": _scripted(chosen),
    }
    return render(request, "curation/linking.html", context)


class Behind(forms.Form):
    """Which queries a link of these pages asks for: a cell of the matrix, or those that a rule would flip."""

    a = forms.ModelChoiceField(Judge.objects.select_related("template"), required=False)
    b = forms.ModelChoiceField(Judge.objects.select_related("template"), required=False)
    level_a = forms.IntegerField(required=False, min_value=1, max_value=5)
    level_b = forms.IntegerField(required=False, min_value=1, max_value=5)
    rule = forms.ChoiceField(required=False, choices=[(name, name) for name in RULES])
    threshold = forms.FloatField(required=False, min_value=1, max_value=5)
    to = forms.ChoiceField(required=False, choices=Decision.choices)


@needs(Role.REVIEWER)
@require_GET
def list_behind(request: HttpRequest) -> HttpResponse:
    """The queries behind a cell, or those that would change their side."""
    form = Behind(request.GET)
    form.is_valid()
    words, queries = _behind(form.cleaned_data)
    shown = Query.objects.select_related("source").defer("text", "response").annotate(start=Left("text", SHOWN_OF_TEXT))
    page = page_of(queries, request.GET, shown=shown)
    judges = counting_judges()
    said: dict[int, dict[int, Score]] = {}
    scores = Score.objects.filter(query__in=[query.pk for query in page.rows], judge__in=judges)
    for score in scores.defer("explanation"):
        said.setdefault(score.query_id, {})[score.judge_id] = score
    lines = [(query, [said.get(query.pk, {}).get(judge.pk) for judge in judges]) for query in page.rows]
    queue = _queue_behind(form.cleaned_data)
    context = {"page": page, "lines": lines, "names": names_of(judges), "words": words, "queue": queue}
    return render(request, "curation/behind.html", context)


def _queue_behind(asked: Mapping[str, Any]) -> str:
    """The audit queue of the cell whose list is shown."""
    first, second = asked.get("a"), asked.get("b")
    if first is None or second is None:
        return ""
    return queue_address({first: asked.get("level_a"), second: asked.get("level_b")})


def _behind(asked: Mapping[str, Any]) -> tuple[str, QueryQuerySet]:
    if asked.get("rule") and asked.get("threshold") and asked.get("to") is not None:
        rule, to = Rule(asked["rule"], asked["threshold"]), Decision(asked["to"] or Decision.NONE)
        words = f"{rule.name.replace('_', ' ')} {rule.threshold}: these queries would {TO_WORDS[to]}"
        return words, flipping(rule, to, kept_for_a_while("ground", ground))
    first, second = asked.get("a"), asked.get("b")
    if first is None or second is None:
        return "every query that all judges have rated", Query.objects.in_play().exclude(ratings="")
    levels = {first: asked.get("level_a"), second: asked.get("level_b")}
    words = " and ".join(f"{judge.template} {_level_words(level)}" for judge, level in levels.items())
    queries = Query.objects.in_play()
    if {first.pk, second.pk} <= {judge.pk for judge in counting_judges()}:
        patterns = patterns_with((pattern for (pattern,) in tally()), levels)
        return words, queries.filter(ratings__in=patterns)
    for judge, level in levels.items():
        scored = (
            Score.objects.filter(judge=judge, value=level) if level else Score.objects.filter(judge=judge, value=None)
        )
        queries = queries.filter(pk__in=scored.values("query"))
    return words, queries


def _level_words(level: int | None) -> str:
    return "unreadable" if level is None else f"gave {level}"


def chosen_judges(request: HttpRequest) -> Chosen | None:
    """The judges of the address, else the first two that count; None while there are not two with scores."""
    counting = counting_judges()
    others = Judge.objects.filter(counts=False).select_related("template").order_by("pk")
    judges = [*counting, *others]
    if len(judges) < 2:
        return None
    by_key = {str(judge.pk): judge for judge in judges}
    first = by_key.get(request.GET.get("a", ""), judges[0])
    second = by_key.get(request.GET.get("b", ""), judges[1])
    if first.pk == second.pk:
        second = next(judge for judge in judges if judge.pk != first.pk)
    return Chosen(first, second, list(zip(judges, names_of(judges), strict=True)))


def _matrix(pairs: Mapping[Pair, int], chosen: Chosen) -> list[tuple[int | None, list[Cell]]]:
    total = sum(pairs.values())
    table = link(readable(pairs))
    rule = Rule(DEFAULT_RULE, DEFAULT_THRESHOLD)

    def cell(a: int | None, b: int | None) -> Cell:
        count = pairs.get((a, b), 0)
        heat = max(0, min(5, round(6 + 2 * log10(count / total)))) if count else 0
        linked = () if a is None or b is None else (float(a), table.onto_anchor(b))
        disputed = not linked or is_disputed(Reading((a or 0, b or 0), linked, (None, None)), rule)
        queue = queue_address({chosen.first: a, chosen.second: b})
        return Cell(a, b, count, heat, disputed, _address(chosen, a, b), queue)

    return [(a, [cell(a, b) for b in ROWS]) for a in ROWS]


def _address(chosen: Chosen, a: int | None, b: int | None) -> str:
    asked = {"a": chosen.first.pk, "b": chosen.second.pk, "level_a": a, "level_b": b}
    return f"{reverse('curation:behind')}?{urlencode({name: value for name, value in asked.items() if value})}"


def queue_address(levels: Mapping[Judge, int | None]) -> str:
    """The audit queue of a cell; only what judges that count said makes one."""
    if not all(judge.counts for judge in levels):
        return ""
    return f"{reverse('curation:audit')}?{urlencode({'cell': cell_of(levels)})}"


def _margin(pairs: Mapping[tuple[int, int], int]) -> list[int]:
    return [sum(count for (_, b), count in pairs.items() if b == level) for level in LEVELS]


def _scripted(chosen: Chosen) -> list[str]:
    known = scripted_models()
    return sorted({judge.model for judge in (chosen.first, chosen.second) if judge.model in known})
