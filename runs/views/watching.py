"""The list of runs, the page of one run, and its questions that were lost on the way."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django_htmx.http import trigger_client_event

from accounts.roles import Role, needs
from runs.compacting import is_being_compacted, may_be_compacted
from runs.kinds import all_kinds, start_pages
from runs.models import Run, RunState
from runs.pace import SILENT_AFTER_S, pace_of, silence_s
from runs.showing import groups_of, models_of, standings_of, totals_of, workers_of
from web.counts import counts_by
from web.pages import asks_for_part, page_or_part
from web.paging import page_of

MOVING = {RunState.QUEUED, RunState.RUNNING, RunState.PAUSING, RunState.CANCELLING}
# Which buttons a run in a state offers, the main one last. One that lacks money is given more, and goes on by itself.
OFFERED = {
    "cancel": {
        RunState.QUEUED,
        RunState.RUNNING,
        RunState.PAUSED,
        RunState.PAUSING,
        RunState.OVER_BUDGET,
        RunState.FAILED,
    },
    "pause": {RunState.QUEUED, RunState.RUNNING},
    "resume": {RunState.PAUSED, RunState.PAUSING},
    "retry": {RunState.FAILED},
}


@needs(Role.REVIEWER)
@require_GET
def list_runs(request: HttpRequest) -> HttpResponse:
    """All runs, newest first."""
    state = request.GET.get("state", "")
    counts = counts_by(Run.objects.all(), "state")
    rows = Run.objects.filter(state=state) if state in RunState.values else Run.objects.all()
    page = page_of(rows, request.GET, shown=Run.objects.select_related("by"))
    context = {
        "page": page,
        "state": state if state in RunState.values else "",
        "facets": [
            ("", "all", sum(counts.values())),
            *((s, label, counts[s]) for s, label in RunState.choices if s in counts),
        ],
        "moves": any(moving in counts for moving in MOVING) or any(_is_being_planned(run) for run in page.rows),
        "start_pages": start_pages(),
    }
    return page_or_part(request, "runs/runs.html", "runs/_run_list.html", context)


@needs(Role.REVIEWER)
@require_GET
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run; while something moves, the part of it that changes asks for itself again."""
    run = get_object_or_404(Run.objects.select_related("by"), pk=pk)
    context = _as_shown(run)
    response = page_or_part(request, "runs/run.html", "runs/_run.html", context)
    if asks_for_part(request) and not context["poll_s"]:
        trigger_client_event(response, "studio:tell", {"words": f"{run.title}: {run.get_state_display()}"})
    return response


@needs(Role.REVIEWER)
@require_GET
def list_lost(request: HttpRequest, pk: int) -> HttpResponse:
    """The questions of a run that left and of which nobody knows what became."""
    run = get_object_or_404(Run, pk=pk)
    page = page_of(run.paid_calls.filter(lost__gt=0).defer("request", "response"), request.GET)
    return render(request, "runs/lost.html", {"run": run, "page": page})


def _as_shown(run: Run) -> dict[str, Any]:
    moves, models = run.state in MOVING, models_of(run)
    planned, compacting = _is_being_planned(run), is_being_compacted(run)
    unpriced = [model.slug for model in models if model.input_usd_per_million is None]
    return {
        "run": run,
        "moves": moves,
        "poll_s": 2 if moves else 4 if planned or compacting else None,
        "being_planned": planned,
        "silent_s": silence_s(run.rate_samples, at=time.time()) if planned else 0,
        "plan_is_silent": planned and silence_s(run.rate_samples, at=time.time()) > SILENT_AFTER_S,
        "pace": pace_of(run.rate_samples, items_open=run.items_open, at=time.time()) if moves else None,
        "totals": totals_of(run),
        "workers": workers_of(run),
        "standings": standings_of(models) if moves else [],
        "cost_per_result": run.spent / run.items_done if run.items_done else None,
        "unpriced": unpriced,
        "has_price": len(unpriced) < len(models) or not models or run.spent > 0,
        "models_file": models[0].endpoint.path.name if models else "",
        "scripted": [model.slug for model in models if model.endpoint.scripted],
        "groups": groups_of(run),
        "verbs": [verb for verb, states in OFFERED.items() if run.state in states and _fits(verb, run)],
        "report": _report_of(run),
        "may_compact": may_be_compacted(run),
        "compacting": compacting,
    }


def _fits(verb: str, run: Run) -> bool:
    """A failed run is retried where something failed; one whose plan is being written is left alone."""
    if verb == "retry":
        return run.items_failed > 0
    if verb == "resume" and _is_being_planned(run):
        return silence_s(run.rate_samples, at=time.time()) > SILENT_AFTER_S
    return True


def _report_of(run: Run) -> str | None:
    """The address of what came of it as a whole, where its kind has such a page."""
    kind = all_kinds().get(run.kind)
    return reverse(kind.report_page, args=[run.pk]) if kind and kind.report_page else None


def _is_being_planned(run: Run) -> bool:
    """Whoever writes its items has not said that it stopped."""
    return run.is_unplanned and bool(run.rate_samples)
