"""A template tried on one query: the messages for nothing, then one paid call on the press of a button."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from curation.models import Query, Template
from curation.scores.scoring import ROLE
from curation.scores.trying import ask_once, look_at
from llm.catalog import Catalog, load_catalog
from llm.entries import CatalogError
from runs.starting import NotStarted
from web.notices import tell_refused
from web.pages import page_or_part


class PreviewForm(forms.Form):
    """Which query, by which model."""

    query = forms.IntegerField(label="Query, by number", min_value=1)
    model = forms.ChoiceField()

    def __init__(self, asked: QueryDict, catalog: Catalog) -> None:
        usual = catalog.roles.get(ROLE)
        fields = {"query": _some_query(), "model": usual.slug if usual else ""} | asked.dict()
        super().__init__(fields)
        self.fields["model"].choices = [(slug, slug) for slug in catalog.models]  # type: ignore[attr-defined]

    def clean_query(self) -> Query:
        query: Query | None = Query.objects.filter(pk=self.cleaned_data["query"]).first()
        if query is None:
            raise forms.ValidationError("There is no such query; its number stands in the list of queries.")
        return query


@needs(Role.CURATOR)
@require_GET
def show_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What would be sent and what it costs; the reply, once there is one."""
    template = get_object_or_404(Template, pk=pk)
    try:
        catalog = load_catalog(settings.MODELS_FILE)
    except CatalogError as error:
        return render(request, "curation/preview.html", {"template": template, "problem": str(error)})
    form = PreviewForm(request.GET, catalog)
    context: dict[str, Any] = {"template": template, "form": form}
    if not form.is_valid():
        return render(request, "curation/preview.html", context, status=422 if request.GET else 200)
    query, model = form.cleaned_data["query"], catalog.models[form.cleaned_data["model"]]
    trial = look_at(template, query, model, catalog)
    context |= {"query": query, "model": model, "trial": trial, "scripted": model.endpoint.scripted}
    return page_or_part(request, "curation/preview.html", "curation/_preview.html", context)


@needs(Role.CURATOR)
@require_POST
def ask_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the one question; the page then waits for the reply."""
    template = get_object_or_404(Template, pk=pk)
    try:
        catalog = load_catalog(settings.MODELS_FILE)
    except CatalogError as error:
        tell_refused(request, f"{error}.")
        return redirect("curation:preview", pk)
    form = PreviewForm(request.POST, catalog)
    if not form.is_valid():
        return render(request, "curation/preview.html", {"template": template, "form": form}, status=422)
    query, model = form.cleaned_data["query"], catalog.models[form.cleaned_data["model"]]
    try:
        ask_once(template, query, model, by=cast(User, request.user))
    except NotStarted as reason:
        tell_refused(request, f"Not asked: {reason}.")
    return redirect(f"{reverse('curation:preview', args=[pk])}?query={query.pk}&model={model.slug}")


def _some_query() -> int | None:
    return Query.objects.in_play().order_by("pk").values_list("pk", flat=True).first()
