"""The desk of suspects: a query and the benchmark task it may hold, side by side; set aside or clear."""

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions import CannotUndo
from accounts.models import User
from accounts.roles import Role, needs
from curation import suspects
from curation.models import Contamination, Query
from curation.views.suspect_desk import FILTERS, compared, place_of, rail_for
from web.claims import Stale
from web.desk import asked_filters, keys_for, with_filters
from web.notices import tell_refused
from web.pages import asks_for_part, page_or_part

SKIPPED_FOR = timedelta(days=1)


class JudgementForm(forms.Form):
    """What the two buttons send."""

    version = forms.IntegerField(min_value=1)
    fact = forms.ChoiceField(choices=[(fact.value, fact.label) for fact in suspects.VERBS])


@needs(Role.REVIEWER)
@require_GET
def suspect_queue(request: HttpRequest) -> HttpResponse:
    """Hand out the next suspect; `after` and `before` move along the queue without deciding."""
    reader, now = cast(User, request.user), timezone.now()
    asked = asked_filters(request.GET, FILTERS)
    only = {FILTERS[name]: value for name, value in asked.items()}
    left = _left(request, reader)
    if "before" in request.GET and left is not None:
        query = suspects.previous_suspect(by=reader, at=now, before=left, only=only)
    else:
        query = suspects.next_suspect(by=reader, at=now, after=left, only=only)
    # Past either end the queue begins anew.
    query = query or suspects.next_suspect(by=reader, at=now, only=only)
    if query is not None:
        return redirect(with_filters(reverse("curation:suspect", args=[query.pk]), asked))
    return _desk(request, "empty", None)


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
    return _on_to_the_next(request, query)


@needs(Role.REVIEWER)
@require_POST
def reopen_suspect(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo what was said of a query and show it again."""
    query = get_object_or_404(Query, pk=pk)
    try:
        suspects.take_back(pk, by=cast(User, request.user))
    except CannotUndo as reason:
        tell_refused(request, f"Not undone: {reason}.")
    return redirect(with_filters(reverse("curation:suspect", args=[query.pk]), asked_filters(request.GET, FILTERS)))


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
    return _on_to_the_next(request, query)


def _desk(
    request: HttpRequest,
    phase: str,
    query: Query | None,
    further: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """The desk in one of its phases: open, closed or empty."""
    reader, now = cast(User, request.user), timezone.now()
    asked = asked_filters(request.GET, FILTERS)
    queue = reverse("curation:suspects")
    context: dict[str, Any] = {
        "phase": phase,
        "query": query,
        "asked": asked,
        "lease": _lease(query, phase),
        "kept_filters": with_filters("", asked),
        "rail": rail_for(reader, at=now, asked=asked, address=queue),
        "place": place_of(query if phase == "open" else None, reader, at=now, asked=asked),
        "desk_keys": keys_for(reader, "suspect"),
        **(further or {}),
    }
    if query is not None:
        context |= compared(query)
        context["judged"] = suspects.last_judgement(query) if phase == "closed" else None
        context["next_address"] = with_filters(queue, asked, after=query.pk)
        context["previous_address"] = with_filters(queue, asked, before=query.pk)
    response = page_or_part(request, "curation/suspects.html", "curation/_suspect_part.html", context, status=status)
    if asks_for_part(request) and request.method == "GET":
        response["HX-Push-Url"] = request.get_full_path()
    return response


def _lease(query: Query | None, phase: str) -> datetime | None:
    return query.claimed_until if query is not None and phase == "open" else None


def _left(request: HttpRequest, reader: User) -> Query | None:
    """The query that the reader moves away from, given back to the others."""
    pk = request.GET.get("after") or request.GET.get("before") or ""
    if not pk.isdecimal():
        return None
    Query.objects.release(int(pk), by_id=reader.pk)
    return Query.objects.filter(pk=int(pk), suspicion__isnull=False).first()


def _on_to_the_next(request: HttpRequest, query: Query) -> HttpResponseRedirect:
    asked = asked_filters(request.GET, FILTERS)
    return redirect(with_filters(reverse("curation:suspects"), asked, after=query.pk))
