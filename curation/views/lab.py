"""The rubric lab: past labs, the form that asks for one, and the report of a lab."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.roles import Role, needs
from curation.models import Query, Source, Template
from curation.scores.judges import newest_template
from curation.scores.rubric_lab import (
    DEFAULT_ARMS,
    DEFAULT_SAMPLE,
    KIND,
    LARGEST_SAMPLE,
    MOST_ARMS,
    arms,
    asked_for,
    judges_of,
    sample_of,
    warmed,
)
from curation.scores.rubric_report import compare
from curation.scores.scoring import ROLE
from curation.views.lab_plots import panels
from llm.catalog import CatalogError, Model
from runs.forms import RunForm
from runs.models import Run
from runs.proposing import Wanted
from runs.scripted import scripted_models
from runs.views.proposals import ask_for_run
from web.counts import values_of


class LabForm(RunForm):
    """Which arms rate which sample."""

    templates = forms.ModelMultipleChoiceField(Template.objects.none(), widget=forms.CheckboxSelectMultiple)
    models = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    temperatures = forms.CharField(
        required=False, max_length=60, help_text="0 to 2, between commas. Empty: as the models file has it."
    )
    sample = forms.IntegerField(label="Queries to draw", min_value=1, max_value=LARGEST_SAMPLE, initial=DEFAULT_SAMPLE)
    seed = forms.IntegerField(initial=0, help_text="Another seed draws other queries.")
    source = forms.ChoiceField(required=False, label="Only queries of the source")
    language = forms.ChoiceField(required=False, label="Only queries in the language")
    judged = forms.BooleanField(required=False, label="Only queries that people have judged")
    disputed = forms.BooleanField(required=False, label="Only disputed queries")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["limit"]
        usual, offered = self.catalog.roles.get(ROLE), Template.objects.filter(retired=False)
        self.fields["templates"].queryset = offered  # type: ignore[attr-defined]
        self.fields["templates"].initial = [newest_template(name).pk for name in DEFAULT_ARMS if _has(name)]
        self.fields["models"].choices = [(slug, slug) for slug in self.catalog.models]  # type: ignore[attr-defined]
        self.fields["models"].initial = [usual.slug] if usual else []
        sources = Source.objects.values_list("slug", flat=True)
        languages = [name for name in values_of(Query, "language") if name]
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in sources)]  # type: ignore[attr-defined]
        self.fields["language"].choices = [("", "any"), *((name, name) for name in languages)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if {"templates", "models", "temperatures"} <= cleaned.keys():
            try:
                cleaned["asked"] = self._asked(cleaned)
            except (CatalogError, ValueError) as error:
                self.add_error("temperatures", str(error))
                return cleaned
            if (count := len(cleaned["templates"]) * len(cleaned["asked"])) > MOST_ARMS:
                self.add_error("templates", f"{count} arms; a lab takes at most {MOST_ARMS}.")
        return cleaned

    def _asked(self, cleaned: dict[str, Any]) -> list[Model]:
        named = [text.strip() for text in cleaned["temperatures"].split(",") if text.strip()]
        models = [self.catalog.models[slug] for slug in cleaned["models"]]
        return warmed(models, list(dict.fromkeys(float(text) for text in named)), self.catalog)

    def chosen_models(self, roles: Any) -> dict[str, Model]:
        """The first model stands for the role; the arms name theirs."""
        return dict.fromkeys(roles, self.catalog.models[self.cleaned_data["models"][0]])


@needs(Role.REVIEWER)
@require_GET
def list_labs(request: HttpRequest) -> HttpResponse:
    """The labs, newest first."""
    return render(
        request, "curation/labs.html", {"labs": Run.objects.filter(kind=KIND.name).select_related("by")[:100]}
    )


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def ask_for_lab(request: HttpRequest) -> HttpResponse:
    """Which arms are to rate which sample."""
    return ask_for_run(request, LabForm, _wanted, "curation/new_lab.html")


@needs(Role.REVIEWER)
@require_GET
def show_lab(request: HttpRequest, pk: int) -> HttpResponse:
    """The arms of a lab side by side, from the scores and verdicts at hand."""
    run = get_object_or_404(Run.objects.select_related("by"), pk=pk, kind=KIND.name)
    report = compare(judges_of(run), sample := sample_of(run))
    context = {
        "run": run,
        "sample": len(sample),
        "report": report,
        "rows": list(zip(report.names(), report.arms, strict=True)),
        "panels": panels(report),
        "scripted": sorted(scripted_models() & {arm.judge.model for arm in report.arms}),
    }
    return render(request, "curation/lab.html", context)


def _wanted(form: LabForm) -> Wanted:
    chosen = form.cleaned_data
    judges = arms(list(chosen["templates"].order_by("pk")), chosen["asked"], draw=chosen["draw"])
    title, parameters = asked_for(judges, sample=chosen["sample"], seed=chosen["seed"], filters=chosen)
    return Wanted(KIND, title, parameters)


def _has(name: str) -> bool:
    return Template.objects.filter(name=name, retired=False).exists()
