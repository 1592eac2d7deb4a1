"""The audit desk: rate a disputed query blind, see both judges, say who was right, keep or drop."""

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from accounts.actions import CannotUndo
from accounts.models import User
from accounts.roles import Role, needs
from curation import auditing
from curation.models import Query, WhoWasRight
from curation.views.audit_desk import FILTERS, place_of, rail_for, rubric, scale_of, sides_of
from web.claims import Stale
from web.desk import asked_filters, keys_for, with_filters
from web.kept_forms import keep_typed, kept_fields
from web.notices import tell_refused
from web.pages import asks_for_part, page_or_part

WORDS = ("A", "B", "Both", "Neither")
SKIPPED_FOR = timedelta(days=1)
KEPT_FROM = 4  # the paper keeps ratings of 4 and 5
# Value, word and key of each answer to "who was right".
RIGHTS = [(who.value, words, f"right_{who.value}") for who, words in zip(WhoWasRight, WORDS, strict=True)]
LONGEST_AUDIT_S = 6 * 3600  # a page left open overnight says nothing about the work


class VerdictForm(forms.Form):
    """What the second half of the audit sends; `value` is the blind rating, `shown` when the query came up."""

    version = forms.IntegerField(min_value=1)
    value = forms.IntegerField(min_value=1, max_value=5)
    shown = forms.FloatField(required=False)
    who_was_right = forms.ChoiceField(
        choices=WhoWasRight.choices, error_messages={"required": "Say who was right: A, B, both or neither."}
    )
    note = forms.CharField(required=False, max_length=4000)
    keep = forms.ChoiceField(
        choices=[("yes", "keep"), ("no", "drop")], error_messages={"required": "Say whether the query is kept."}
    )


@needs(Role.REVIEWER)
@require_GET
def audit_queue(request: HttpRequest) -> HttpResponse:
    """Hand out the next dispute; `after` and `before` move along the queue without deciding."""
    reader, now = cast(User, request.user), timezone.now()
    asked = asked_filters(request.GET, FILTERS)
    only = {FILTERS[name]: value for name, value in asked.items()}
    left = _left(request, reader)
    if "before" in request.GET and left is not None:
        query = auditing.previous_dispute(by=reader, at=now, before=left, only=only)
    else:
        query = auditing.next_dispute(by=reader, at=now, after=left, only=only)
    # Past either end the queue begins anew.
    query = query or auditing.next_dispute(by=reader, at=now, only=only)
    if query is not None:
        return redirect(with_filters(reverse("curation:audit_item", args=[query.pk]), asked))
    return _desk(request, "empty", None, {})


@keep_typed
@needs(Role.REVIEWER)
@require_http_methods(["GET", "POST"])
def audit_item(request: HttpRequest, pk: int) -> HttpResponse:
    """One dispute: blind until it is rated, then with both judges; posting gives the verdict."""
    query = get_object_or_404(Query.objects.select_related("source"), pk=pk)
    if request.method == "POST":
        return _judge(request, query)
    taken = auditing.take(pk, by=cast(User, request.user), at=timezone.now())
    kept = kept_fields(request)
    if taken is None:
        return _desk(request, "closed", query, {"kept": kept})
    value = _level(kept.get("value") or request.GET.get("value", ""))
    if value is None:
        return _desk(request, "rating", taken, {"shown": timezone.now().timestamp()})
    form = VerdictForm(initial={"shown": request.GET.get("shown"), **kept, "value": value, "version": taken.version})
    return _desk(request, "verdict", taken, {"form": form, "kept": kept})


@needs(Role.REVIEWER)
@require_POST
def audit_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a dispute off for a day and go on to the next."""
    query, now = get_object_or_404(Query, pk=pk), timezone.now()
    auditing.skip(query, by=cast(User, request.user), at=now, until=now + SKIPPED_FOR)
    return _on_to_the_next(request, query)


@needs(Role.REVIEWER)
@require_POST
def audit_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo one's own verdict and show the query again."""
    query = get_object_or_404(Query, pk=pk)
    try:
        auditing.withdraw_verdict(pk, by=cast(User, request.user))
    except CannotUndo as reason:
        tell_refused(request, f"Not undone: {reason}.")
    asked = asked_filters(request.GET, FILTERS)
    return redirect(with_filters(reverse("curation:audit_item", args=[query.pk]), asked))


def _judge(request: HttpRequest, query: Query) -> HttpResponse:
    reader, now = cast(User, request.user), timezone.now()
    form = VerdictForm(request.POST)
    if not form.is_valid():
        if form.has_error("version") or form.has_error("value"):
            raise BadRequest("a verdict names the version it was given on and a rating from 1 to 5")
        refused = _desk(request, "verdict", query, {"form": form}, status=422)
        return retarget(reswap(refused, "outerHTML"), "#verdict")
    said = form.cleaned_data
    try:
        auditing.give_verdict(
            query.pk,
            version=said["version"],
            value=said["value"],
            keep=said["keep"] == "yes",
            who_was_right=said["who_was_right"],
            note=said["note"],
            seconds=_seconds_since(said["shown"], now),
            by=reader,
            at=now,
        )
    except Stale:
        return _too_late(request, query, form)
    return _on_to_the_next(request, query)


def _too_late(request: HttpRequest, query: Query, form: VerdictForm) -> HttpResponse:
    """Someone was faster: show both sides, and let the reader send again where the query still wants a verdict."""
    taken = auditing.take(query.pk, by=cast(User, request.user), at=timezone.now())
    current = taken or Query.objects.select_related("source").get(pk=query.pk)
    said = form.cleaned_data
    theirs = list(current.verdicts.filter(withdrawn=False).exclude(by=cast(User, request.user)).select_related("by"))
    further: dict[str, Any] = {"conflict": said | {"right": WhoWasRight(said["who_was_right"]).label}, "theirs": theirs}
    if taken is None:
        return _desk(request, "closed", current, further, status=409)
    further["form"] = VerdictForm(initial={**said, "version": current.version})
    return _desk(request, "verdict", current, further, status=409)


def _desk(
    request: HttpRequest, phase: str, query: Query | None, further: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The desk in one of its phases: rating, verdict, closed or empty."""
    reader, now = cast(User, request.user), timezone.now()
    asked = asked_filters(request.GET, FILTERS)
    only = {FILTERS[name]: value for name, value in asked.items()}
    queue = reverse("curation:audit")
    context: dict[str, Any] = {
        "phase": phase,
        "lease": query.claimed_until if query is not None and phase in ("rating", "verdict") else None,
        "query": query,
        "asked": asked,
        "kept_filters": with_filters("", asked),
        "rail": rail_for(reader, at=now, asked=asked, address=queue),
        "place": place_of(query, reader, at=now, only=only),
        "desk_keys": keys_for(reader, phase if phase == "verdict" else "rating"),
        "levels": rubric(),
        **further,
    }
    if query is not None:
        context["next_address"] = with_filters(queue, asked, after=query.pk)
        context["previous_address"] = with_filters(queue, asked, before=query.pk)
        context["own"] = query.verdicts.filter(by=reader, withdrawn=False).first()
    if phase == "verdict" or context.get("own"):
        context |= _revealed(query, context)
    part = "curation/_audit_verdict.html" if status == 422 else "curation/_audit_part.html"
    response = page_or_part(request, "curation/audit.html", part, context, status=status)
    if asks_for_part(request) and request.method == "GET":
        response["HX-Push-Url"] = request.get_full_path()
    return response


def _revealed(query: Query | None, context: dict[str, Any]) -> dict[str, Any]:
    """Both judges beside the reader's own rating; only for one who has rated."""
    if query is None:
        return {}
    own = context.get("own")
    value = own.value if own else int(context["form"]["value"].value())
    sides = sides_of(query)
    return {
        "sides": sides,
        "scale": scale_of(sides, value, context["levels"]),
        "value": value,
        "keeps": value >= KEPT_FROM,
        "rights": RIGHTS,
    }


def _left(request: HttpRequest, reader: User) -> Query | None:
    """The query that the reader moves away from, given back to the others."""
    pk = request.GET.get("after") or request.GET.get("before") or ""
    if not pk.isdecimal():
        return None
    Query.objects.release(int(pk), by_id=reader.pk)
    return Query.objects.filter(pk=int(pk)).first()


def _on_to_the_next(request: HttpRequest, query: Query) -> HttpResponseRedirect:
    asked = asked_filters(request.GET, FILTERS)
    return redirect(with_filters(reverse("curation:audit"), asked, after=query.pk))


def _level(text: str) -> int | None:
    return int(text) if text in ("1", "2", "3", "4", "5") else None


def _seconds_since(shown: float | None, now: datetime) -> float:
    return 0.0 if shown is None else min(max(0.0, now.timestamp() - shown), LONGEST_AUDIT_S)
