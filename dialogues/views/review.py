"""The review desk: read a dialogue, approve it, reject it or say what it lacks."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from accounts.actions import CannotUndo
from accounts.models import User
from accounts.roles import Role, needs
from dialogues import reviewing
from dialogues.models import Dialogue, Review, State
from dialogues.views.dialogues import turns_as_read
from dialogues.views.review_desk import FILTERS, Rail, edited_turns, flags_in_words, place_of, rail_for
from web.claims import Stale
from web.desk import Queue, Saved, given_back, keys_for, moved, show_desk
from web.kept_forms import keep_typed, kept_fields
from web.notices import tell_refused
from web.pages import asks_for_part

SKIPPED_FOR = timedelta(days=1)
QUEUE = Queue(
    view="dialogues:review",
    item_view="dialogues:review_item",
    filters=FILTERS,
    template="dialogues/_review_desk.html",
    decision_part="dialogues/_review_given.html",
    title="Review",
    heading="Review of dialogues",
    name="Review queue",
    what="Dialogues",
    decided="Decided",
)


class ReviewForm(forms.Form):
    """What a decision sends."""

    version = forms.IntegerField(min_value=1)
    outcome = forms.ChoiceField(choices=Review.Outcome.choices, error_messages={"required": "Choose a decision."})
    reason = forms.CharField(required=False, max_length=4000)
    still_fits = forms.BooleanField(required=False)


@needs(Role.REVIEWER)
@require_GET
def review_queue(request: HttpRequest) -> HttpResponse:
    """Hand out the next dialogue; `after` and `before` move along the queue without deciding."""
    return _hand_out(request, given_back(request, Dialogue.objects.all(), by_id=cast(User, request.user).pk))


@keep_typed
@needs(Role.REVIEWER)
@require_http_methods(["GET", "POST"])
def review_item(request: HttpRequest, pk: int) -> HttpResponse:
    """One dialogue with its decision; posting decides."""
    dialogue = get_object_or_404(Dialogue.objects.select_related("claimed_by"), pk=pk)
    if request.method == "POST":
        return _decide(request, dialogue)
    taken = reviewing.take(pk, by=cast(User, request.user), at=timezone.now())
    kept = kept_fields(request)
    if taken is None:
        return _desk(request, "closed", dialogue, {"kept": kept})
    return _open(request, taken, kept)


@needs(Role.REVIEWER)
@require_POST
def review_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a dialogue off for a day and go on to the next."""
    dialogue, now = get_object_or_404(Dialogue, pk=pk), timezone.now()
    reviewing.skip(dialogue, by=cast(User, request.user), at=now, until=now + SKIPPED_FOR)
    return _hand_out(request, dialogue.pk)


@needs(Role.REVIEWER)
@require_POST
def review_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo one's own review and show the dialogue again."""
    get_object_or_404(Dialogue, pk=pk)
    try:
        reviewing.withdraw_review(pk, by=cast(User, request.user))
    except CannotUndo as reason:
        tell_refused(request, f"Not undone: {reason}.")
    return redirect(QUEUE.item_address(request, pk))


@needs(Role.REVIEWER)
@require_POST
def review_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a decided dialogue back to review and show it."""
    dialogue = get_object_or_404(Dialogue, pk=pk)
    version = request.POST.get("version", "")
    try:
        reviewing.back_to_review(pk, version=int(version) if version.isdecimal() else 0, by=cast(User, request.user))
    except Stale:
        return _desk(request, "closed", dialogue, {"changed": True}, status=409)
    except reviewing.NotReviewable as reason:
        tell_refused(request, f"Not sent back: {reason}.")
    return redirect(QUEUE.item_address(request, pk))


def _hand_out(request: HttpRequest, left: int | None) -> HttpResponse:
    """The next dialogue: for htmx the desk itself, so that a decision is one request."""
    reader, now, only = cast(User, request.user), timezone.now(), QUEUE.only(request)
    pk = moved(
        request,
        left,
        onward=lambda after: _key_of(reviewing.next_dialogue(by=reader, at=now, after=after, only=only)),
        back=lambda before: _key_of(reviewing.previous_dialogue(by=reader, at=now, before=before, only=only)),
    )
    if pk is None and (request.method == "GET" or asks_for_part(request)):
        return _desk(request, "empty", None, {})
    if pk is None:
        return redirect(QUEUE.address(request))
    if not asks_for_part(request):
        return redirect(QUEUE.item_address(request, pk))
    return _open(request, Dialogue.objects.select_related("claimed_by").get(pk=pk), {})


def _key_of(dialogue: Dialogue | None) -> int | None:
    return None if dialogue is None else dialogue.pk


def _open(request: HttpRequest, taken: Dialogue, kept: dict[str, str]) -> HttpResponse:
    form = ReviewForm(initial={**kept, "version": taken.version})
    return _desk(request, "review", taken, {"form": form, "kept": kept})


def _decide(request: HttpRequest, dialogue: Dialogue) -> HttpResponse:
    reader = cast(User, request.user)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        if form.has_error("version"):
            raise BadRequest("a decision names the version of the dialogue it was made on")
        return _refused(request, dialogue, form)
    said = form.cleaned_data
    try:
        if said["outcome"] == Review.Outcome.APPROVED:
            reviewing.approve(
                dialogue.pk, version=said["version"], by=reader, still_fits=said["still_fits"], note=said["reason"]
            )
        else:
            turn_down = reviewing.reject if said["outcome"] == Review.Outcome.REJECTED else reviewing.needs_work
            turn_down(dialogue.pk, version=said["version"], reason=said["reason"], by=reader)
    except reviewing.NotReviewable as reason:
        form.add_error("reason" if said["outcome"] != Review.Outcome.APPROVED else None, capfirst(f"{reason}."))
        return _refused(request, dialogue, form)
    except Stale:
        return _too_late(request, dialogue, said)
    return _hand_out(request, dialogue.pk)


def _refused(request: HttpRequest, dialogue: Dialogue, form: ReviewForm) -> HttpResponse:
    """The decision with its errors; the conversation stays as it is, with any turn that is being edited."""
    return retarget(reswap(_desk(request, "review", dialogue, {"form": form}, status=422), "outerHTML"), "#decision")


def _too_late(request: HttpRequest, dialogue: Dialogue, said: dict[str, Any]) -> HttpResponse:
    """Someone was faster: show both sides, and let the reader send again where the dialogue is still in review."""
    reader = cast(User, request.user)
    taken = reviewing.take(dialogue.pk, by=reader, at=timezone.now())
    current = taken or Dialogue.objects.select_related("claimed_by").get(pk=dialogue.pk)
    further: dict[str, Any] = {
        "conflict": said | {"words": Review.Outcome(said["outcome"]).label},
        "theirs": list(current.reviews.filter(withdrawn=False).exclude(by=reader).select_related("by")[:3]),
    }
    if taken is None:
        return _desk(request, "closed", current, further, status=409)
    # The tick was given to answers that may read otherwise now, so it is asked for anew.
    further["form"] = ReviewForm(initial={"reason": said["reason"], "version": current.version})
    return _desk(request, "review", current, further, status=409)


def _desk(
    request: HttpRequest, phase: str, dialogue: Dialogue | None, further: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The desk in one of its phases: review, closed or empty."""
    reader, now = cast(User, request.user), timezone.now()
    rail = rail_for(reader, at=now, asked=QUEUE.asked(request), address=reverse(QUEUE.view))
    context: dict[str, Any] = {
        "phase": phase,
        "lease": dialogue.claimed_until if dialogue is not None and phase == "review" else None,
        "dialogue": dialogue,
        "rail": rail,
        "saved": _saved(rail),
        "place": place_of(dialogue, reader, at=now, only=QUEUE.only(request)),
        "desk_keys": keys_for(reader, "review"),
        **further,
    }
    if dialogue is not None:
        turns = turns_as_read(dialogue)
        context |= {
            "turns": turns,
            # A refused form keeps the version that its reader saw, whatever the row says by now.
            "version": further["form"]["version"].value() if "form" in further else dialogue.version,
            "may_edit": phase == "review" or dialogue.state in (State.APPROVED, State.NEEDS_WORK, State.DRAFT),
            "stale": [turn.position for turn in turns if turn.stale],
            "edited": edited_turns(turns, reader),
            "flags": flags_in_words(dialogue),
            "seeds": dialogue.seeds.select_related("query", "problem").order_by("position"),
            "reviews": list(dialogue.reviews.select_related("by")),
        }
        context["own"] = next((r for r in context["reviews"] if r.by_id == reader.pk and not r.withdrawn), None)
    part = "dialogues/_review_decision.html" if status == 422 else "_desk_part.html"
    item = None if dialogue is None else ("Dialogue", dialogue.pk)
    return show_desk(request, QUEUE, item, context, status=status, part=part)


def _saved(rail: Rail) -> Saved | None:
    if not rail.decisions:
        return None
    last = rail.decisions[0]
    words = f"dialogue {last.dialogue_id}, {last.get_outcome_display()}"
    return Saved(last.at, words, reverse("dialogues:review_reopen", args=[last.dialogue_id]))
