"""The forms that ask for a model's opinions on suspects, and for their answers to be run against the tasks' tests."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.roles import Role, needs
from curation.contamination import opinions, solving
from runs.forms import RunForm
from runs.proposing import Wanted
from runs.views.proposals import ask_for_run


class OpinionsForm(RunForm):
    """How many pairs of query and task, and which model."""

    roles = opinions.KIND.roles

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["limit"].help_text = "Only the likeliest so many pairs of query and task without an opinion."


class ExecutionForm(RunForm):
    """Nothing to choose: every suspect whose answer fits is run, and no model is asked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("limit", "budget", "draw"):
            del self.fields[name]


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def ask_for_opinions(request: HttpRequest) -> HttpResponse:
    """Which suspects a model is asked about, and which model."""
    return ask_for_run(request, OpinionsForm, _opinions, "curation/judge_suspects.html")


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def ask_for_execution(request: HttpRequest) -> HttpResponse:
    """Whether the answers of suspects are to be run against the tests of the tasks they lie near."""
    return ask_for_run(request, ExecutionForm, _execution, "curation/execute_suspects.html")


def _opinions(form: OpinionsForm) -> Wanted:
    return Wanted(opinions.KIND, opinions.KIND.title, {"limit": form.cleaned_data["limit"]})


def _execution(form: ExecutionForm) -> Wanted:
    return Wanted(solving.KIND, solving.KIND.title, {})
