"""The desk of suspects: a query and the benchmark task it may hold, side by side; set aside or clear."""

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions import CannotUndo
from accounts.models import User
from accounts.roles import Role, needs
from curation.contamination import suspects
from curation.models import Contamination, Query
from curation.views.suspect_desk import FILTERS, Rail, compared, place_of, rail_for
from web.claims import Stale
from web.desk import Queue, Saved, given_back, keys_for, moved, show_desk
from web.notices import tell_refused
from web.pages import asks_for_part

SKIPPED_FOR = timedelta(days=1)
QUEUE = Queue(
    view="curation:suspects",
    item_view="curation:suspect",
    filters=FILTERS,
    template="curation/_suspect_desk.html",
    decision_part="curation/_suspect_given.html",
    title="Suspects",
    heading="Suspects of contamination",
    name="Queue of suspects",
    what="Suspects",
    decided="Judged",
)


class JudgementForm(forms.Form):
    """What the two buttons send."""

    version = forms.IntegerField(min_value=1)
    fact = forms.ChoiceField(choices=[(fact.value, fact.label) for fact in suspects.VERBS])


@needs(Role.REVIEWER)
@require_GET
def suspect_queue(request: HttpRequest) -> HttpResponse:
    """Hand out the next suspect; `after` and `before` move along the queue without deciding."""
    pk = given_back(request, Query.objects.all(), by_id=cast(User, request.user).pk)
    return _hand_out(request, None if pk is None else Query.objects.filter(pk=pk, suspicion__isnull=False).first())


@needs(Role.REVIEWER)
@require_http_methods(["GET", "POST"])
def show_suspect(request: HttpRequest, pk: int) -> HttpResponse:
    """One suspect beside the task it may hold; posting sets it aside or clears it."""
    query = get_object_or_404(Query.objects.select_related("source"), pk=pk)
    if request.method == "POST":
        return _judge(request, query)
    taken = suspects.take(pk, by=cast(User, request.user), at=timezone.now())
    return _desk(request, "open", taken) if taken is not None else _desk(request, "closed", query)


@needs(Role.REVIEWER)
@require_POST
def skip_suspect(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a suspect off for a day and go on to the next."""
    query, now = get_object_or_404(Query, pk=pk), timezone.now()
    suspects.skip(query, by=cast(User, request.user), at=now, until=now + SKIPPED_FOR)
    return _hand_out(request, query)


@needs(Role.REVIEWER)
@require_POST
def reopen_suspect(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo what was said of a query and show it again."""
    query = get_object_or_404(Query, pk=pk)
    try:
        suspects.take_back(pk, by=cast(User, request.user))
    except CannotUndo as reason:
        tell_refused(request, f"Not undone: {reason}.")
    return redirect(QUEUE.item_address(request, query.pk))


def _hand_out(request: HttpRequest, left: Query | None) -> HttpResponse:
    """The next suspect: for htmx the desk itself, so that a decision is one request."""
    reader, now, only = cast(User, request.user), timezone.now(), QUEUE.only(request)
    query = moved(
        request,
        left,
        onward=lambda after: suspects.next_suspect(by=reader, at=now, after=after, only=only),
        back=lambda before: suspects.previous_suspect(by=reader, at=now, before=before, only=only),
    )
    if query is None and (request.method == "GET" or asks_for_part(request)):
        return _desk(request, "empty", None)
    if query is None:
        return redirect(QUEUE.address(request))
    return _desk(request, "open", query) if asks_for_part(request) else redirect(QUEUE.item_address(request, query.pk))


def _judge(request: HttpRequest, query: Query) -> HttpResponse:
    form = JudgementForm(request.POST)
    if not form.is_valid():
        raise BadRequest("a judgement names the version it was given on, and set_aside or cleared")
    fact, reader = Contamination(form.cleaned_data["fact"]), cast(User, request.user)
    try:
        suspects.judge_suspect(query.pk, fact, version=form.cleaned_data["version"], by=reader)
    except Stale:
        taken = suspects.take(query.pk, by=reader, at=timezone.now())
        current = taken or Query.objects.select_related("source").get(pk=query.pk)
        phase = "closed" if taken is None else "open"
        return _desk(request, phase, current, {"too_late": fact.label}, status=409)
    return _hand_out(request, query)


def _desk(
    request: HttpRequest,
    phase: str,
    query: Query | None,
    further: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """The desk in one of its phases: open, closed or empty."""
    reader, now, asked = cast(User, request.user), timezone.now(), QUEUE.asked(request)
    rail = rail_for(reader, at=now, asked=asked, address=reverse(QUEUE.view))
    context: dict[str, Any] = {
        "phase": phase,
        "query": query,
        "lease": _lease(query, phase),
        "rail": rail,
        "saved": _saved(rail),
        "place": place_of(query if phase == "open" else None, reader, at=now, asked=asked),
        "desk_keys": keys_for(reader, "suspect"),
        **(further or {}),
    }
    if query is not None:
        context |= compared(
            query, request.GET.get("hit", ""), lambda hit: QUEUE.item_address(request, query.pk, hit=hit.pk)
        )
        context["judged"] = suspects.last_judgement(query) if phase == "closed" else None
    return show_desk(request, QUEUE, None if query is None else ("Query", query.pk), context, status=status)


def _saved(rail: Rail) -> Saved | None:
    if not rail.decisions:
        return None
    last = rail.decisions[0]
    words = f"query {last.query.pk}, {last.fact.label}"
    return Saved(last.action.at, words, reverse("curation:suspect_reopen", args=[last.query.pk]))


def _lease(query: Query | None, phase: str) -> datetime | None:
    return query.claimed_until if query is not None and phase == "open" else None
