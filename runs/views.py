"""The list of runs, and the page of one run with its bar, its money, its errors and its buttons."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import Avg, Count, Min, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from accounts.models import User
from accounts.roles import Role, needs
from runs.controlling import CONTROLS, NotNow, set_budget
from runs.models import ItemState, Run, RunState
from runs.pace import pace_of
from runs.scripted import scripted_models
from web.counts import counts_by, kept_for_a_while
from web.notices import tell_done, tell_refused
from web.pages import asks_for_part, page_or_part
from web.paging import page_of

MOVING = {RunState.QUEUED, RunState.RUNNING, RunState.PAUSING, RunState.CANCELLING}
# Which buttons a run in a state offers, and what a press did.
OFFERED = {
    "pause": {RunState.QUEUED, RunState.RUNNING},
    "resume": {RunState.PAUSED, RunState.OVER_BUDGET, RunState.FAILED},
    "cancel": {
        RunState.QUEUED,
        RunState.RUNNING,
        RunState.PAUSED,
        RunState.PAUSING,
        RunState.OVER_BUDGET,
        RunState.FAILED,
    },
}
DONE_WORDS = {
    "pause": "The run pauses; what is in flight is still written.",
    "resume": "The run goes on.",
    "cancel": "The run is cancelled; answers already paid for stay in the ledger.",
    "retry": "The failed items are tried again.",
}
TOTALS_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Group:
    """Items that failed or were skipped alike, with one of them as the example."""

    state: str
    error_class: str
    count: int
    example: str


class BudgetForm(forms.Form):
    """The most a run may spend; empty: no limit."""

    budget = forms.DecimalField(
        label="Budget in US dollars", min_value=Decimal(0), max_digits=14, decimal_places=6, required=False
    )


@needs(Role.REVIEWER)
@require_GET
def list_runs(request: HttpRequest) -> HttpResponse:
    """All runs, newest first."""
    state = request.GET.get("state", "")
    counts = counts_by(Run.objects.all(), "state")
    rows = Run.objects.filter(state=state) if state in RunState.values else Run.objects.all()
    context = {
        "page": page_of(rows, request.GET, shown=Run.objects.select_related("by").defer("rate_samples")),
        "state": state if state in RunState.values else "",
        "facets": [
            ("", "all", sum(counts.values())),
            *((s, label, counts[s]) for s, label in RunState.choices if s in counts),
        ],
        "moves": any(moving in counts for moving in MOVING),
    }
    return page_or_part(request, "runs/runs.html", "runs/_run_list.html", context)


@needs(Role.REVIEWER)
@require_GET
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run; while something moves, the part of it that changes asks for itself again."""
    run = get_object_or_404(Run.objects.select_related("by"), pk=pk)
    response = page_or_part(request, "runs/run.html", "runs/_run.html", _as_shown(run, _budget_form(run)))
    if asks_for_part(request) and run.state not in MOVING:
        trigger_client_event(response, "studio:tell", {"words": f"{run.title}: {run.get_state_display()}"})
    return response


@needs(Role.CURATOR)
@require_POST
def control_run(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Pause, resume, cancel, or retry what failed."""
    if verb not in CONTROLS:
        raise Http404(f"no verb is called {verb!r}")
    run = get_object_or_404(Run, pk=pk)
    try:
        CONTROLS[verb](run, by=cast(User, request.user))
    except NotNow as reason:
        tell_refused(request, f"{reason}.")
    else:
        tell_done(request, DONE_WORDS[verb])
    return redirect(run)


@needs(Role.CURATOR)
@require_POST
def change_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a run another budget; one that had stopped for want of it goes on."""
    run = get_object_or_404(Run.objects.select_related("by"), pk=pk)
    form = BudgetForm(request.POST)
    if not form.is_valid():
        return page_or_part(request, "runs/run.html", "runs/_run.html", _as_shown(run, form), status=422)
    set_budget(run, form.cleaned_data["budget"], by=cast(User, request.user))
    tell_done(request, "Budget changed.")
    return redirect(run)


def _budget_form(run: Run) -> BudgetForm:
    budget = None if run.budget is None else format(run.budget.normalize(), "f")
    return BudgetForm(initial={"budget": budget})


def _as_shown(run: Run, budget_form: BudgetForm) -> dict[str, Any]:
    moves = run.state in MOVING
    return {
        "run": run,
        "moves": moves,
        "pace": pace_of(run.rate_samples, items_open=run.items_open) if moves else None,
        "totals": kept_for_a_while(f"run-{run.pk}-{run.calls}", lambda: _totals(run), seconds=TOTALS_SECONDS),
        "cost_per_result": run.spent / run.items_done if run.items_done else None,
        "groups": _groups(run),
        "verbs": [verb for verb, states in OFFERED.items() if run.state in states],
        "budget_form": budget_form,
        "scripted": sorted(scripted_models() & set(run.parameters.get("roles", {}).values())),
    }


def _totals(run: Run) -> dict[str, Any]:
    """Tokens and mean latency of the calls this run paid for."""
    return run.paid_calls.aggregate(
        prompt=Sum("prompt_tokens", default=0),
        completion=Sum("completion_tokens", default=0),
        latency_s=Avg("latency_s"),
    )


def _groups(run: Run) -> list[Group]:
    if not run.items_failed and not run.items_skipped:
        return []
    ended = run.items.filter(state__in=[ItemState.FAILED, ItemState.SKIPPED])
    alike = list(
        ended.order_by().values("state", "error_class").annotate(count=Count("pk"), first=Min("pk")).order_by("-count")
    )
    examples = dict(run.items.filter(pk__in=[group["first"] for group in alike]).values_list("pk", "error"))
    return [
        Group(group["state"], group["error_class"], group["count"], examples.get(group["first"], "")) for group in alike
    ]
