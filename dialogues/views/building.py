"""The form that asks for a building run; its quote and its start are pages of runs."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.roles import Role, needs
from curation.models import Source
from dialogues.building import KINDS, SIMULATION
from runs.forms import RunForm
from runs.proposing import Wanted
from runs.views.proposals import ask_for_run

METHODS = {kind.name: kind for kind in KINDS}


class BuildForm(RunForm):
    """By which method, of which queries; the models are those of a simulation."""

    method = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[(name, name) for name in METHODS],
        initial=SIMULATION.name,
        help_text="Packing joins neighbouring queries and their answers; it asks no model and runs no code.",
    )
    source = forms.ChoiceField(required=False, label="Only queries of the source")
    seed = forms.IntegerField(initial=1, help_text="The order in which queries are taken up.")
    settled_only = forms.BooleanField(required=False, label="Leave disputed queries out")
    feedback_rounds = forms.IntegerField(
        min_value=0, max_value=3, initial=1, help_text="Simulation: how often the user speaks after the first answer."
    )

    roles = SIMULATION.roles

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources = Source.objects.values_list("slug", flat=True)
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in sources)]  # type: ignore[attr-defined]
        self.fields["limit"].help_text = "At most so many dialogues. Empty: as many as there are queries for."


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def ask_for_building(request: HttpRequest) -> HttpResponse:
    """Which dialogues are to be built, how, and by which models."""
    return ask_for_run(request, BuildForm, _wanted, "dialogues/build.html")


def _wanted(form: BuildForm) -> Wanted:
    chosen, kind = form.cleaned_data, METHODS[form.cleaned_data["method"]]
    parameters = {name: chosen[name] for name in ("limit", "seed", "settled_only")}
    parameters["source"] = chosen["source"] or None
    if kind is SIMULATION:
        models = form.chosen_models(kind.roles)
        parameters["feedback_rounds"] = chosen["feedback_rounds"]
        parameters["scripted"] = any(model.endpoint.scripted for model in models.values())
    return Wanted(kind, kind.title, parameters)
