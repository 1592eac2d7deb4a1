"""The review desk: read a dialogue, approve it, reject it or say what it lacks."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
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
from dialogues.views.review_desk import FILTERS, edited_turns, flags_in_words, place_of, rail_for
from web.claims import Stale
from web.desk import asked_filters, keys_for, with_filters
from web.kept_forms import keep_typed, kept_fields
from web.notices import tell_refused
from web.pages import asks_for_part, page_or_part

SKIPPED_FOR = timedelta(days=1)


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
    reader, now = cast(User, request.user), timezone.now()
    asked = asked_filters(request.GET, FILTERS)
    only = {FILTERS[name]: value for name, value in asked.items()}
    left = _left(request, reader)
    if "before" in request.GET and left:
        dialogue = reviewing.previous_dialogue(by=reader, at=now, before=left, only=only)
    else:
        dialogue = reviewing.next_dialogue(by=reader, at=now, after=left, only=only)
    # Past either end the queue begins anew.
    dialogue = dialogue or reviewing.next_dialogue(by=reader, at=now, only=only)
    if dialogue is not None:
        return redirect(with_filters(reverse("dialogues:review_item", args=[dialogue.pk]), asked))
    return _desk(request, "empty", None, {})


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
    form = ReviewForm(initial={**kept, "version": taken.version})
    return _desk(request, "review", taken, {"form": form, "kept": kept})


@needs(Role.REVIEWER)
@require_POST
def review_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a dialogue off for a day and go on to the next."""
    dialogue, now = get_object_or_404(Dialogue, pk=pk), timezone.now()
    reviewing.skip(dialogue, by=cast(User, request.user), at=now, until=now + SKIPPED_FOR)
    return _on_to_the_next(request, dialogue)


@needs(Role.REVIEWER)
@require_POST
def review_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo one's own review and show the dialogue again."""
    get_object_or_404(Dialogue, pk=pk)
    try:
        reviewing.withdraw_review(pk, by=cast(User, request.user))
    except CannotUndo as reason:
        tell_refused(request, f"Not undone: {reason}.")
    return redirect(_item_address(request, pk))


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
    return redirect(_item_address(request, pk))


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
    return _on_to_the_next(request, dialogue)


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
    asked = asked_filters(request.GET, FILTERS)
    only = {FILTERS[name]: value for name, value in asked.items()}
    queue = reverse("dialogues:review")
    context: dict[str, Any] = {
        "phase": phase,
        "lease": dialogue.claimed_until if dialogue is not None and phase == "review" else None,
        "dialogue": dialogue,
        "asked": asked,
        "kept_filters": with_filters("", asked),
        "rail": rail_for(reader, at=now, asked=asked, address=queue),
        "place": place_of(dialogue, reader, at=now, only=only),
        "desk_keys": keys_for(reader, "review"),
        **further,
    }
    if dialogue is not None:
        turns = turns_as_read(dialogue)
        context |= {
            "next_address": with_filters(queue, asked, after=dialogue.pk),
            "previous_address": with_filters(queue, asked, before=dialogue.pk),
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
    part = "dialogues/_review_decision.html" if status == 422 else "dialogues/_review_part.html"
    response = page_or_part(request, "dialogues/review.html", part, context, status=status)
    if asks_for_part(request) and request.method == "GET":
        response["HX-Push-Url"] = request.get_full_path()
    return response


def _left(request: HttpRequest, reader: User) -> int | None:
    """The dialogue that the reader moves away from, given back to the others."""
    pk = request.GET.get("after") or request.GET.get("before") or ""
    if not pk.isdecimal():
        return None
    Dialogue.objects.release(int(pk), by_id=reader.pk)
    return int(pk)


def _on_to_the_next(request: HttpRequest, dialogue: Dialogue) -> HttpResponseRedirect:
    asked = asked_filters(request.GET, FILTERS)
    return redirect(with_filters(reverse("dialogues:review"), asked, after=dialogue.pk))


def _item_address(request: HttpRequest, pk: int) -> str:
    return with_filters(reverse("dialogues:review_item", args=[pk]), asked_filters(request.GET, FILTERS))
