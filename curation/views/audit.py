"""The audit desk: rate a disputed query blind, see both judges, say who was right, keep or drop."""

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from accounts.actions import CannotUndo
from accounts.models import Door, User
from accounts.roles import Role, needs
from curation.audits import auditing
from curation.audits.guidelines import standing_guidelines
from curation.models import Query, WhoWasRight
from curation.views.audit_desk import (
    FILTERS,
    Rail,
    narrowed_to,
    place_of,
    rail_for,
    right_by,
    rubric,
    scale_of,
    sides_of,
)
from web.claims import Stale
from web.desk import Queue, Saved, given_back, keys_for, moved, show_desk
from web.kept_forms import keep_typed, kept_fields
from web.notices import tell_done, tell_refused
from web.pages import asks_for_part

QUEUE = Queue(
    view="curation:audit",
    item_view="curation:audit_item",
    filters=FILTERS,
    template="curation/_audit_desk.html",
    decision_part="curation/_audit_given.html",
    title="Audit",
    heading="Audit",
    name="Audit queue",
    what="Queries",
    decided="Judged",
)
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
    pk = given_back(request, Query.objects.all(), by_id=cast(User, request.user).pk)
    return _hand_out(request, None if pk is None else Query.objects.filter(pk=pk).first())


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
        return _blind(request, taken)
    sides = sides_of(taken)
    # Where several people judge, each says it unprompted; else the own rating is taken for it until another is ticked.
    right = right_by(sides, value) if taken.reviews_wanted == 1 else ""
    said = {"shown": request.GET.get("shown"), "who_was_right": right, **kept}
    form = VerdictForm(initial={**said, "value": value, "version": taken.version})
    return _desk(request, "verdict", taken, {"form": form, "kept": kept, "sides": sides})


@needs(Role.REVIEWER)
@require_POST
def audit_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a dispute off for a day and go on to the next."""
    query, now = get_object_or_404(Query, pk=pk), timezone.now()
    auditing.skip(query, by=cast(User, request.user), at=now, until=now + SKIPPED_FOR)
    return _hand_out(request, query)


@needs(Role.REVIEWER)
@require_POST
def audit_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo one's own verdict and show the query again."""
    query = get_object_or_404(Query, pk=pk)
    try:
        auditing.withdraw_verdict(pk, by=cast(User, request.user))
    except CannotUndo as reason:
        tell_refused(request, f"Not undone: {reason}.")
    return redirect(QUEUE.item_address(request, query.pk))


@needs(Role.REVIEWER)
@require_POST
def audit_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a second verdict of someone else, who does not see the first."""
    query = get_object_or_404(Query, pk=pk)
    asked = auditing.ask_again([query.pk], by=cast(User, request.user), door=Door.PAGE)
    if asked.rows_changed:
        tell_done(request, f"Query {pk} waits for another reviewer.", action_id=asked.pk)
    else:
        tell_refused(request, f"Query {pk} waits for a verdict already.")
    return redirect(QUEUE.item_address(request, query.pk))


def _hand_out(request: HttpRequest, left: Query | None) -> HttpResponse:
    """The next dispute: for htmx the desk itself, so that a verdict is one request."""
    reader, now, only = cast(User, request.user), timezone.now(), narrowed_to(QUEUE.asked(request))
    query = moved(
        request,
        left,
        onward=lambda after: auditing.next_dispute(by=reader, at=now, after=after, only=only),
        back=lambda before: auditing.previous_dispute(by=reader, at=now, before=before, only=only),
    )
    if query is None and (request.method == "GET" or asks_for_part(request)):
        return _desk(request, "empty", None, {})
    if query is None:
        return redirect(QUEUE.address(request))
    return _blind(request, query) if asks_for_part(request) else redirect(QUEUE.item_address(request, query.pk))


def _blind(request: HttpRequest, query: Query) -> HttpResponse:
    return _desk(request, "rating", query, {"shown": timezone.now().timestamp()})


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
            # Whoever came by a cell knew the scores.
            blind="cell" not in QUEUE.asked(request),
        )
    except Stale:
        return _too_late(request, query, form)
    return _hand_out(request, query)


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
    rail = rail_for(reader, at=now, asked=QUEUE.asked(request), address=reverse(QUEUE.view))
    context: dict[str, Any] = {
        "phase": phase,
        "lease": query.claimed_until if query is not None and phase in ("rating", "verdict") else None,
        "query": query,
        "rail": rail,
        "saved": _saved(rail),
        "place": place_of(query, reader, at=now, asked=QUEUE.asked(request)),
        "desk_keys": keys_for(reader, phase if phase == "verdict" else "rating"),
        "levels": rubric(),
        "guidelines": standing_guidelines(),
        **further,
    }
    if query is not None:
        context["own"] = query.verdicts.filter(by=reader, withdrawn=False).first()
    if phase == "verdict" or context.get("own"):
        context |= _revealed(query, context)
    part = "curation/_audit_verdict.html" if status == 422 else "_desk_part.html"
    item = None if query is None else ("Query", query.pk)
    return show_desk(request, QUEUE, item, context, status=status, part=part)


def _saved(rail: Rail) -> Saved | None:
    if not rail.decisions:
        return None
    last = rail.decisions[0]
    words = f"query {last.query_id}, {'keep' if last.keep else 'drop'}, rated {last.value}"
    return Saved(last.at, words, reverse("curation:audit_reopen", args=[last.query_id]))


def _revealed(query: Query | None, context: dict[str, Any]) -> dict[str, Any]:
    """Both judges beside the reader's own rating; only for one who has rated."""
    if query is None:
        return {}
    own = context.get("own")
    value = own.value if own else int(context["form"]["value"].value())
    sides = context.get("sides") or sides_of(query)
    return {
        "sides": sides,
        "scale": scale_of(sides, value, context["levels"]),
        "value": value,
        "keeps": value >= KEPT_FROM,
        "rights": RIGHTS,
    }


def _level(text: str) -> int | None:
    return int(text) if text in ("1", "2", "3", "4", "5") else None


def _seconds_since(shown: float | None, now: datetime) -> float:
    return 0.0 if shown is None else min(max(0.0, now.timestamp() - shown), LONGEST_AUDIT_S)
