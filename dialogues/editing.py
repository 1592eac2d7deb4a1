"""Edits of human-feedback turns: the old text is kept as a revision, the answers below become stale."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from accounts.actions import Change, record
from accounts.models import User
from curation.texts import storable
from dialogues.feedback import CATEGORIES
from dialogues.models import Dialogue, Revision, Role, State, Turn
from web.claims import Stale


class NotEditable(Exception):
    """The turn may not be edited like this; `field` names the part of the form at fault (empty: the turn itself)."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def edit_feedback(
    turn_id: int, *, content: str, category: str, version: int, by: User, at: datetime
) -> Revision | None:
    """Give a feedback turn another text or category; None when neither differs.

    The editor holds the dialogue from then on; an approved one goes back to review. Raises Stale when the dialogue
    is no longer at that version or someone else holds it.
    """
    content = _readable(content)
    with transaction.atomic():
        turn = Turn.objects.select_for_update().select_related("dialogue").get(pk=turn_id)
        _refuse_unfit(turn, content=content, category=category)
        if (content, category) == (turn.content, turn.category):
            return None
        change_of_dialogue = _take(turn.dialogue, version=version, by=by, at=at)
        stale = _answers_made_stale(turn) if content != turn.content else []
        edit = _changed(turn, {"content": content, "category": category})
        Turn.objects.filter(pk=turn.pk).update(**edit.after)
        record("edit feedback", [change_of_dialogue, edit, *stale], by=by)
        last = turn.revisions.aggregate(last=Max("number"))["last"] or 0
        return Revision.objects.create(
            turn=turn,
            number=last + 1,
            content_before=turn.content,
            content_after=content,
            category_before=turn.category,
            category_after=category,
            by=by,
        )


def _readable(content: str) -> str:
    """The text as forms send it: lines end in LF, the ends are stripped."""
    return storable(content.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _refuse_unfit(turn: Turn, *, content: str, category: str) -> None:
    if not turn.is_editable:
        raise NotEditable(f"turn {turn.position} is {turn.get_kind_display()}; only feedback turns are edited")
    if turn.dialogue.state == State.REJECTED:
        raise NotEditable(f"{turn.dialogue} is rejected; send it back to review first")
    if not content:
        raise NotEditable("the feedback is empty; a turn needs a text", "content")
    if category not in CATEGORIES:
        raise NotEditable(f"{category!r} is none of the ten categories", "category")


def _take(dialogue: Dialogue, *, version: int, by: User, at: datetime) -> Change:
    """Hold the dialogue at its next version, back in review if it was approved."""
    after: dict[str, Any] = {"version": version + 1}
    if dialogue.state == State.APPROVED:
        after |= {"state": State.IN_REVIEW, "reviews_given": 0, "approved_version_id": None}
    until = at + timedelta(minutes=settings.CLAIM_MINUTES)
    free_or_mine = Dialogue.objects.within_reach(by_id=by.pk, at=at).filter(pk=dialogue.pk, version=version)
    if free_or_mine.update(claimed_by=by, claimed_until=until, **after) != 1:
        raise Stale(dialogue)
    return _changed(dialogue, after)


def _answers_made_stale(turn: Turn) -> list[Change]:
    below = turn.dialogue.turns.filter(position__gt=turn.position, role=Role.ASSISTANT, stale=False)
    answers = list(below)
    below.update(stale=True)
    return [Change(answer, before={"stale": False}, after={"stale": True}) for answer in answers]


def _changed(row: Dialogue | Turn, after: dict[str, Any]) -> Change:
    before = {name: getattr(row, name) for name in after}
    changed = [name for name in after if before[name] != after[name]]
    return Change(row, before={name: before[name] for name in changed}, after={name: after[name] for name in changed})
