"""The form that asks for a scoring run; its quote and its start are pages of runs."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.roles import Role, needs
from curation.models import Source
from curation.scores.judges import (
    DEFAULT_TEMPLATES,
    install_shipped_templates,
    judge_of,
    newest_template,
    template_names,
)
from curation.scores.scoring import KIND, ROLE, asked_for
from runs.forms import RunForm
from runs.proposing import Wanted
from runs.views.proposals import ask_for_run


class ScoringForm(RunForm):
    """Which templates rate which queries."""

    template = forms.MultipleChoiceField(
        label="Templates",
        widget=forms.CheckboxSelectMultiple,
        initial=DEFAULT_TEMPLATES,
        help_text="Each template asked of the scorer is a judge: one call for each query.",
    )
    source = forms.ChoiceField(required=False, label="Only queries of the source")
    count_instead = forms.BooleanField(
        required=False, label="Rules count these judges, in place of earlier ones of the same templates"
    )

    roles = KIND.roles

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources = Source.objects.values_list("slug", flat=True)
        self.fields["template"].choices = [(name, name) for name in template_names()]  # type: ignore[attr-defined]
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in sources)]  # type: ignore[attr-defined]
        self.fields["limit"].help_text = "Only the first so many queries in play, scored or not. Empty: all."


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def ask_for_scoring(request: HttpRequest) -> HttpResponse:
    """Which queries are to be rated, by which templates and model."""
    return ask_for_run(request, ScoringForm, _wanted, "curation/score.html")


def _wanted(form: ScoringForm) -> Wanted:
    chosen, model = form.cleaned_data, form.chosen_models([ROLE])[ROLE]
    install_shipped_templates()
    judges = [judge_of(newest_template(name), model, draw=chosen["draw"]) for name in chosen["template"]]
    title, parameters = asked_for(judges, model, source=chosen["source"] or None, limit=chosen["limit"])
    # Named only where it is wished, so that the same run asked for by command has the same parameters.
    return Wanted(KIND, title, parameters | ({"count_instead": True} if chosen["count_instead"] else {}))
