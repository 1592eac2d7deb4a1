"""Edit a human-feedback turn in place, or on a page of its own where there is no script."""

from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from accounts.roles import Role, needs
from dialogues.consistency import gives_fix_away
from dialogues.editing import NotEditable, edit_feedback
from dialogues.feedback import CATEGORIES, MOST_SENTENCES, sentences
from dialogues.models import State, Turn, TurnKind
from dialogues.views.dialogues import turns_as_read
from dialogues.views.review_desk import edited_turns
from llm.replies import last_code
from web.claims import Stale
from web.desk import keys_for
from web.kept_forms import keep_typed, kept_fields
from web.pages import asks_for_part, page_or_part

# Category with the name of its key.
CHOICES = [(category, f"category_{number}") for number, category in enumerate(CATEGORIES, start=1)]


class FeedbackForm(forms.Form):
    """What an edit sends."""

    version = forms.IntegerField(min_value=1)
    content = forms.CharField(
        required=False, max_length=20_000, strip=False, label="What the user says", widget=forms.Textarea
    )
    category = forms.CharField(required=False, max_length=48)


@keep_typed
@needs(Role.REVIEWER)
@require_http_methods(["GET", "POST"])
def edit_turn(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of one feedback turn; posting saves it."""
    turn = _feedback_turn(pk)
    if request.method == "POST":
        return _save(request, turn)
    kept = kept_fields(request)
    stored = {"content": turn.content, "category": turn.category}
    form = FeedbackForm(initial={**stored, **kept, "version": turn.dialogue.version})
    return _form(request, turn, form, {"kept": kept})


@needs(Role.REVIEWER)
@require_GET
def show_turn(request: HttpRequest, pk: int) -> HttpResponse:
    """One feedback turn as it reads, when its form is left without saving."""
    turn = _feedback_turn(pk)
    if not asks_for_part(request):
        return redirect(_item_address(turn))
    turns = turns_as_read(turn.dialogue)
    context = {"turn": _same(turns, turn), "may_edit": True, "focused": True}
    return render(request, "dialogues/_turn.html", context | _keys(request))


def _save(request: HttpRequest, turn: Turn) -> HttpResponse:
    reader = cast(User, request.user)
    form = FeedbackForm(request.POST)
    if not form.is_valid():
        if form.has_error("version"):
            raise BadRequest("an edit names the version of the dialogue it was made on")
        return _form(request, turn, form, {}, status=422)
    said = form.cleaned_data
    try:
        edit_feedback(turn.pk, **said, by=reader, at=timezone.now())
    except NotEditable as reason:
        form.add_error(reason.field or None, capfirst(f"{reason}."))
        return _form(request, turn, form, {}, status=422)
    except Stale:
        return _too_late(request, turn.pk, said)
    # Outside review the whole desk changes with an edit; inside it, only the turns and what approval needs.
    if not asks_for_part(request):
        return redirect(_item_address(turn))
    if turn.dialogue.state != State.IN_REVIEW:
        return HttpResponseClientRedirect(_item_address(turn))
    return _saved(request, turn.pk)


def _saved(request: HttpRequest, pk: int) -> HttpResponse:
    turn = _feedback_turn(pk)
    turns = turns_as_read(turn.dialogue)
    stale = [other for other in turns if other.stale]
    context = {
        "version": turn.dialogue.version,
        "turn": _same(turns, turn),
        "stale_turns": stale,
        "stale": [other.position for other in stale],
        "edited": edited_turns(turns, cast(User, request.user)),
        "may_edit": True,
        "advice": _advice(turn, turns),
    }
    return render(request, "dialogues/_turn_saved.html", context | _keys(request))


def _too_late(request: HttpRequest, pk: int, said: dict[str, Any]) -> HttpResponse:
    """Someone was faster: their text stays, the reader's stays in the form, and both are shown."""
    turn = _feedback_turn(pk)
    form = FeedbackForm(initial=said | {"version": turn.dialogue.version})
    last = turn.revisions.select_related("by").order_by("-number").first()
    return _form(request, turn, form, {"conflict": said, "last": last}, status=409)


def _form(
    request: HttpRequest, turn: Turn, form: FeedbackForm, further: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    turns = turns_as_read(turn.dialogue)
    context = {
        "turn": turn,
        "dialogue": turn.dialogue,
        "form": form,
        "choices": CHOICES,
        "most_sentences": MOST_SENTENCES,
        "count": sentences(str(form["content"].value() or "")),
        "advice": _advice(turn, turns),
        "before": [other for other in turns if other.position < turn.position][-1:],
        "after": [other for other in turns if other.position > turn.position][:1],
        **further,
    }
    context |= _keys(request)
    return page_or_part(request, "dialogues/edit_turn.html", "dialogues/_edit_turn.html", context, status=status)


def _advice(turn: Turn, turns: list[Turn]) -> list[str]:
    """What a reviewer should look at in the feedback as it is stored; nothing here bars it."""
    advice = []
    if (count := sentences(turn.content)) > MOST_SENTENCES:
        advice.append(f"It has {count} sentences; two short ones are the rule.")
    answers = {other.position: last_code(other.content) for other in turns}
    before, after = answers.get(turn.position - 1), answers.get(turn.position + 1)
    if gives_fix_away(turn.content, code_before=before.code if before else "", code_after=after.code if after else ""):
        advice.append("It gives the fix away: it holds code, or names what only the next answer uses.")
    return advice


def _feedback_turn(pk: int) -> Turn:
    feedback = Turn.objects.filter(kind=TurnKind.FEEDBACK).select_related("dialogue__claimed_by")
    return get_object_or_404(feedback, pk=pk)


def _same(turns: list[Turn], turn: Turn) -> Turn:
    return next(other for other in turns if other.pk == turn.pk)


def _keys(request: HttpRequest) -> dict[str, Any]:
    return {"desk_keys": keys_for(request.user, "review")}


def _item_address(turn: Turn) -> str:
    return f"{reverse('dialogues:review_item', args=[turn.dialogue_id])}#turn-{turn.pk}"
