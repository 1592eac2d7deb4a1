"""The list of queries with its filters, and the page of one query with why it stands where it stands."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.models import ActionRow
from accounts.roles import Role, needs
from curation.decisions.standing import facts_about
from curation.intake.detectors import NATURAL_NAMES
from curation.models import Contamination, Query, QueryCount, Score, Source, Stage
from curation.models.queries import CONTAMINATED
from curation.scores.judges import ANCHOR
from runs.scripted import scripted_models
from web.counts import counted_words, counts_by, values_of
from web.kept_counts import summed
from web.pages import page_or_part
from web.paging import NEWEST_FIRST, Order, page_of

Rows = TypeVar("Rows", bound=QuerySet[Any])

NOT_KEPT = [stage for stage in Stage if stage != Stage.KEPT]
SHOWN_OF_TEXT = 280
SIGHTINGS_SHOWN = 50

# Filters that name several stages at once; each is one of the start page's counters.
STAGE_GROUPS: dict[str, list[Stage]] = {
    "unique": [stage for stage in Stage if stage != Stage.DUPLICATE],
    "in_play": [stage for stage in Stage if stage not in (Stage.DUPLICATE, Stage.SET_ASIDE)],
    "answered": [Stage.SCORED, Stage.UNREADABLE, Stage.KEPT, Stage.DROPPED],
}
WIDEST = Order("dispute_size", key_descending=False)


class QueryFilters(forms.Form):
    """What the address may ask for; each field may be absent."""

    stage = forms.ChoiceField(
        required=False,
        choices=[("", "all"), *((name, name) for name in STAGE_GROUPS), *Stage.choices],
        widget=forms.HiddenInput,
    )
    q = forms.CharField(
        required=False,
        label="Words in query or answer",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    source = forms.ChoiceField(required=False)
    language = forms.ChoiceField(required=False)
    natural_language = forms.ChoiceField(required=False, label="Written in")
    contamination = forms.ChoiceField(
        required=False,
        choices=[("", "any"), *(choice for choice in Contamination.choices if choice[0] != Contamination.NONE)],
    )
    used = forms.ChoiceField(
        required=False,
        label="In a dialogue",
        choices=[("", "any"), ("yes", "yes"), ("no", "not yet"), ("afterwards", "yes, but no longer kept")],
    )
    disputed = forms.BooleanField(required=False, label="disputed only")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = values_of(Query, "language")
        sources = Source.objects.values_list("slug", flat=True)
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in sources)]  # type: ignore[attr-defined]
        self.fields["language"].choices = [  # type: ignore[attr-defined]
            ("", "any"),
            *((language, language) for language in languages if language),
            ("unknown", "unknown"),
        ]
        written = values_of(Query, "natural_language")
        self.fields["natural_language"].choices = [  # type: ignore[attr-defined]
            ("", "any"),
            *((code, name) for code, name in NATURAL_NAMES.items() if code in written),
        ]


@dataclass(frozen=True, slots=True)
class Facet:
    """One stage above the list, with how many rows of the other filters stand there."""

    stage: str
    words: str
    count: int
    is_current: bool


@needs(Role.REVIEWER)
@require_GET
def list_queries(request: HttpRequest) -> HttpResponse:
    """Queries, newest first; disputed ones by the width of the dispute."""
    form = QueryFilters(request.GET)
    form.is_valid()
    search = form.cleaned_data.get("q", "")
    asked = {name: value for name, value in form.cleaned_data.items() if value and name != "q"}
    # With a search there are no counts, since every match would have to be read.
    facets = [] if search else _facets(asked)
    shown = Query.objects.select_related("source").defer("text", "response").annotate(start=Left("text", SHOWN_OF_TEXT))
    rows, order = narrowed(Query.objects.all(), asked), WIDEST if "disputed" in asked else NEWEST_FIRST
    page = page_of(rows, request.GET, shown=shown, order=order, search=search)
    found = next((facet.count for facet in facets if facet.is_current), None)
    context = {
        "form": form,
        "is_narrowed": bool(asked or search),
        "facets": facets,
        "page": page,
        "counted": counted_words(page, found, "query", "queries"),
    }
    return page_or_part(request, "curation/queries.html", "curation/_query_list.html", context)


@needs(Role.REVIEWER)
@require_GET
def show_query(request: HttpRequest, pk: int) -> HttpResponse:
    """One query: its text, its scores, where it was seen, and all facts that decide its stage."""
    query = get_object_or_404(Query.objects.select_related("source", "batch", "duplicate_of"), pk=pk)
    sightings = list(query.sightings.select_related("batch__source").order_by("pk"))
    scores = sorted(query.scores.select_related("judge__template"), key=_rank)
    hits = list(query.contamination_hits.select_related("task__benchmark"))
    verdicts = list(query.verdicts.select_related("by").order_by("pk"))
    seeds = list(query.seeds.select_related("dialogue"))
    facts = facts_about(query, sightings=sightings, hits=hits, scores=scores, verdicts=verdicts, dialogues=len(seeds))
    changes = ActionRow.objects.filter(table="curation.query", row_id=pk).select_related("action__by")
    context = {
        "query": query,
        "facts": facts,
        "sightings": sightings[:SIGHTINGS_SHOWN],
        "sightings_total": len(sightings),
        "scores": [(score, _linked(query, score)) for score in scores],
        "written_in": NATURAL_NAMES.get(query.natural_language or ""),
        "scripted": scripted_models(),
        "hits": hits,
        "verdicts": verdicts,
        "dialogues": [seed.dialogue for seed in seeds],
        "changes": changes.order_by("-pk")[:20],
        "leads": list(query.represents.filter(size__gt=0)),
        "memberships": list(query.memberships.filter(stands=True).select_related("cluster")),
    }
    return render(request, "curation/query.html", context)


def _rank(score: Score) -> tuple[bool, bool, str, int]:
    """Judges that count first, and among them the one whose scale is the common one."""
    name = score.judge.template.name
    return not score.judge.counts, name != ANCHOR, name, score.pk


def _linked(query: Query, score: Score) -> float | None:
    """The score on the common scale, where the decision used it."""
    inputs = query.decision_inputs.get(score.judge.template.name, {})
    return inputs.get("linked") if score.judge.counts else None


def narrowed(rows: Rows, asked: dict[str, Any], *, leave_out: str = "") -> Rows:
    """The queries, or the cells of their counts, that the filters leave; `leave_out` names one that is not applied."""
    applied = {name: value for name, value in asked.items() if name != leave_out}
    if stage := applied.get("stage"):
        # One stage as an equation, so that the index also gives the order.
        rows = rows.filter(stage__in=STAGE_GROUPS[stage]) if stage in STAGE_GROUPS else rows.filter(stage=stage)
    if source := applied.get("source"):
        # The key first: joined by its slug, the source could not lead the database into the index.
        rows = rows.filter(source_id=Source.objects.filter(slug=source).values_list("pk", flat=True).first())
    if language := applied.get("language"):
        rows = rows.filter(language="" if language == "unknown" else language)
    if natural_language := applied.get("natural_language"):
        rows = rows.filter(natural_language=natural_language)
    if applied.get("disputed"):
        rows = rows.filter(disputed=True)
    if contamination := applied.get("contamination"):
        # By their keys, which are few: SQLite would take a stage or a source for rarer.
        found = Query.objects.filter(CONTAMINATED, contamination=contamination)
        rows = rows.filter(pk__in=found.order_by().values("pk"))
    if (used := applied.get("used")) == "afterwards":
        # Of what is in a dialogue few stand elsewhere; with the stages named one by one, an index finds them.
        elsewhere = Query.objects.filter(used=True, stage__in=NOT_KEPT)
        rows = rows.filter(pk__in=elsewhere.order_by().values("pk"))
    elif used:
        rows = rows.filter(used=used == "yes")
    return rows


def _counts_by_stage(asked: dict[str, Any]) -> Counter[str]:
    # What is rare is counted itself, over its own index; all else the database has counted.
    if asked.get("contamination") or asked.get("used") == "afterwards":
        return Counter(counts_by(narrowed(Query.objects.all(), asked, leave_out="stage"), "stage"))
    return summed(narrowed(QueryCount.objects.all(), asked, leave_out="stage"), "stage")


def _facets(asked: dict[str, Any]) -> list[Facet]:
    """All stages that hold a row, and the groups of them, with their counts."""
    chosen = asked.get("stage", "")
    counts = _counts_by_stage(asked)
    groups = [("", "all", list(Stage)), *((name, name.replace("_", " "), of) for name, of in STAGE_GROUPS.items())]
    single = [(stage.value, str(stage.label), [stage]) for stage in Stage if stage in counts or stage == chosen]
    return [
        Facet(name, words, sum(counts.get(stage, 0) for stage in stages), is_current=name == chosen)
        for name, words, stages in [*groups, *single]
    ]
