"""What checks of contamination found: the list of hits, and the form that starts a check in the worker for jobs."""

from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.roles import Role, needs
from curation.contamination.checking import NEAREST, ask_for_check, unread_queries
from curation.models import Benchmark, Contamination, ContaminationHit, Query, QueryCount, Tier
from curation.views.passes import passes_shown, start_pass
from embeddings import MissingExtra, require
from web.counts import counted_words, counts_by, kept_for_a_while
from web.kept_counts import total
from web.pages import page_or_part
from web.paging import page_of


class HitFilters(forms.Form):
    """What the address may ask for; each field may be absent."""

    benchmark = forms.ChoiceField(required=False)
    tier = forms.ChoiceField(required=False, label="Found by", choices=[("", "any"), *Tier.choices])
    state = forms.ChoiceField(
        required=False,
        label="Query is",
        choices=[("", "any"), *(choice for choice in Contamination.choices if choice[0] != Contamination.NONE)],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Benchmark.objects.values_list("name", flat=True)
        self.fields["benchmark"].choices = [("", "any"), *((name, name) for name in names)]  # type: ignore[attr-defined]


class CheckForm(forms.Form):
    """How a check is to be done."""

    nearest = forms.IntegerField(
        label="Suspects for each task",
        min_value=0,
        max_value=1000,
        initial=NEAREST,
        help_text="So many queries nearest in meaning go to the queue for each benchmark task. 0: words only.",
    )
    again = forms.BooleanField(required=False, label="Also read queries that were checked before")

    def clean_nearest(self) -> int:
        nearest: int = self.cleaned_data["nearest"]
        if nearest:
            try:
                require()
            except MissingExtra as missing:
                raise forms.ValidationError(f"{missing}. Or ask for 0, words only.") from missing
        return nearest


@needs(Role.REVIEWER)
@require_GET
def list_hits(request: HttpRequest) -> HttpResponse:
    """Hits, newest first, with the checks so far above them."""
    form = HitFilters(request.GET)
    form.is_valid()
    asked = {name: value for name, value in form.cleaned_data.items() if value}
    rows = ContaminationHit.objects.all()
    if name := asked.get("benchmark"):
        rows = rows.filter(task__benchmark=Benchmark.objects.get(name=name))
    if tier := asked.get("tier"):
        rows = rows.filter(tier=tier)
    if state := asked.get("state"):
        rows = rows.filter(query__contamination=state)
    shown = ContaminationHit.objects.select_related("task__benchmark", "query").defer(
        "query__response", "task__solution", "task__tests"
    )
    page = page_of(rows, request.GET, shown=shown)
    found = sum(counts_by(rows, "tier").values())
    context = {
        "form": form,
        "is_narrowed": bool(asked),
        "page": page,
        "counted": counted_words(page, found, "hit", "hits"),
        "waiting": kept_for_a_while("suspects_waiting", Query.objects.suspects().count),
    } | passes_shown("contamination")
    return page_or_part(request, "curation/contamination.html", "curation/_hit_list.html", context)


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def ask_for_contamination_check(request: HttpRequest) -> HttpResponse:
    """What a check would do, and its start."""
    form = CheckForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ask = partial(ask_for_check, again=form.cleaned_data["again"], nearest=form.cleaned_data["nearest"])
        return start_pass(request, "contamination", lambda by: ask(by=by))
    status = 422 if request.method == "POST" else 200
    benchmarks = Benchmark.objects.filter(withdrawn=False)
    context = {"form": form, "benchmarks": list(benchmarks), "unread": unread_queries(), "queries": _queries()}
    return render(request, "curation/check_contamination.html", context, status=status)


def _queries() -> int:
    return total(QueryCount.objects.all())
