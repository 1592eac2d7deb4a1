"""Before a run starts: a room's form asks for one, the quote page says what it would cost and has the button."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from llm.entries import CatalogError
from runs import proposing
from runs.forms import RunForm
from runs.handing import NobodyThere
from runs.kinds import kind_named
from runs.models import Proposal
from runs.scripted import scripted_models
from runs.starting import NotStarted, unfinished
from web.notices import tell_done, tell_refused
from web.pages import page_or_part

# By then a worker that is there has taken it up, or shown that it is at it.
PATIENCE_S = 60.0


def ask_for_run(
    request: HttpRequest, form_class: type[RunForm], wanted_by: Callable[[Any], proposing.Wanted], page: str
) -> HttpResponse:
    """What the view of a room's form does: show it, filled in as the address says; once valid, on to the quote."""
    try:
        form = form_class(request.POST if request.method == "POST" else request.GET or None)
    except CatalogError as error:
        return render(request, page, {"problem": str(error)})
    if request.method != "POST" or not form.is_valid():
        return render(request, page, {"form": form}, status=422 if request.method == "POST" else 200)
    proposal = _proposed(request, form, wanted_by(form))
    proposing.price_later(proposal)
    return redirect(proposal)


@needs(Role.CURATOR)
@require_GET
def show_proposal(request: HttpRequest, pk: int) -> HttpResponse:
    """What was asked for, and its quote; asks for itself again until that is complete."""
    proposal = get_object_or_404(Proposal.objects.select_related("by", "run"), pk=pk)
    return page_or_part(request, "runs/proposal.html", "runs/_proposal.html", _as_shown(proposal))


@needs(Role.CURATOR)
@require_POST
def start_proposed(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the run that was proposed; pressing twice starts one."""
    proposal = get_object_or_404(Proposal, pk=pk)
    try:
        run = proposing.start(proposal, by=cast(User, request.user))
    except (NotStarted, NobodyThere) as reason:
        tell_refused(request, f"Not started: {reason}.")
        return redirect(proposal)
    tell_done(request, "The run is being planned; then it starts by itself.")
    return redirect(run)


@needs(Role.CURATOR)
@require_POST
def price_proposed(request: HttpRequest, pk: int) -> HttpResponse:
    """Have it priced once more."""
    proposal = get_object_or_404(Proposal, pk=pk)
    proposing.price_later(proposal)
    return redirect(proposal)


def _proposed(request: HttpRequest, form: RunForm, wanted: proposing.Wanted) -> Proposal:
    roles = {role: model.slug for role, model in form.chosen_models(wanted.kind.roles).items()}
    asked = request.POST.copy()
    asked.pop("csrfmiddlewaretoken", None)
    return proposing.propose(
        wanted,
        by=cast(User, request.user),
        roles=roles,
        # A form may leave out what makes no difference to its kind.
        draw=form.cleaned_data.get("draw", 0),
        budget=form.cleaned_data.get("budget"),
        asked=asked.urlencode(),
    )


def _slugs(parameters: dict[str, Any]) -> set[str]:
    """The models that are to be asked, by name."""
    named = parameters.get("models") or parameters.get("roles", {}).values()
    return {name.partition("@")[0] for name in named}


def _as_shown(proposal: Proposal) -> dict[str, Any]:
    figures, kind = proposal.figures, kind_named(proposal.kind)
    is_priced, cost = proposal.priced_at is not None, Decimal(figures.get("cost", 0))
    silence_s = time.time() - figures.get("told_at", proposal.asked_at.timestamp())
    return {
        "proposal": proposal,
        "figures": figures,
        "cost": cost,
        "is_priced": is_priced,
        "poll_s": None if is_priced or proposal.error else 2,
        "silence_s": silence_s,
        "is_left": not is_priced and silence_s > PATIENCE_S,
        "is_sampled": figures.get("priced_items", 0) < figures.get("items", 0),
        "is_short": proposal.budget is not None and cost > proposal.budget,
        "scripted": sorted(scripted_models() & _slugs(proposal.parameters)),
        "same": unfinished(proposal.kind, proposal.parameters) if proposal.run is None else None,
        "change": f"{reverse(kind.start_page.address)}?{proposal.asked}" if kind.start_page else None,
    }
