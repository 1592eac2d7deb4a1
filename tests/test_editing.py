"""Edits of feedback turns: what is kept, what becomes stale, what is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action
from dialogues import editing, reviewing
from dialogues.models import Dialogue, Revision, State, Turn
from tests.making import a_dialogue
from web.claims import Stale

pytestmark = pytest.mark.django_db


def feedback_of(dialogue):
    return dialogue.turns.get(kind="feedback")


def edited(turn, by, **given):
    version = Dialogue.objects.values_list("version", flat=True).get(pk=turn.dialogue_id)
    facts = {"content": "It reads the list twice.", "category": "Efficiency", "version": version, "at": timezone.now()}
    return editing.edit_feedback(turn.pk, by=by, **facts | given)


def test_an_edit_keeps_the_old_text_as_a_revision(reviewer):
    turn = feedback_of(a_dialogue())
    revision = edited(turn, reviewer, category="Scalability")
    turn.refresh_from_db()
    assert (turn.content, turn.category) == ("It reads the list twice.", "Scalability")
    assert turn.original_content == "It is slow on long lists."
    assert (revision.number, revision.content_before, revision.category_before) == (
        1,
        "It is slow on long lists.",
        "Efficiency",
    )
    assert edited(turn, reviewer, content="Once more.").number == 2


def test_an_edit_raises_the_version_and_makes_the_answers_below_stale(reviewer):
    dialogue = a_dialogue()
    edited(feedback_of(dialogue), reviewer)
    stale = list(dialogue.turns.filter(stale=True).values_list("position", flat=True))
    after = Dialogue.objects.get(pk=dialogue.pk)
    assert stale == [3]
    assert (after.version, after.claimed_by) == (dialogue.version + 1, reviewer)


def test_another_category_alone_leaves_the_answers_fitting(reviewer):
    dialogue = a_dialogue()
    revision = edited(feedback_of(dialogue), reviewer, content="It is slow on long lists.", category="Scalability")
    assert revision.content_before == revision.content_after
    assert not Turn.objects.filter(stale=True).exists()


@pytest.mark.parametrize("content", ["It is slow on long lists.", "  It is slow on long lists.\r\n"])
def test_an_unchanged_text_is_no_revision(content, reviewer):
    dialogue = a_dialogue()
    assert edited(feedback_of(dialogue), reviewer, content=content) is None
    assert Dialogue.objects.get().version == dialogue.version
    assert not Revision.objects.exists()
    assert not Action.objects.exists()


def test_an_edit_after_approval_takes_the_dialogue_back_to_review(reviewer):
    a_dialogue()
    dialogue = reviewing.next_dialogue(by=reviewer, at=timezone.now())
    reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)
    edited(feedback_of(dialogue), reviewer)
    after = Dialogue.objects.get()
    assert (after.state, after.reviews_given) == (State.IN_REVIEW, 0)
    second = reviewing.approve(after.pk, version=after.version, by=reviewer, still_fits=True)
    assert second.number == 2
    assert "It reads the list twice." in second.messages
    assert after.reviews.first().edited


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({"content": " \n"}, "content", "empty"),
        ({"category": "Style"}, "category", "'Style' is none of the ten"),
    ],
)
def test_an_unfit_text_or_category_is_refused_by_field(given, field, why, reviewer):
    turn = feedback_of(a_dialogue())
    with pytest.raises(editing.NotEditable, match=why) as error:
        edited(turn, reviewer, **given)
    assert error.value.field == field


def test_only_feedback_turns_of_dialogues_in_play_are_edited(reviewer):
    dialogue = a_dialogue()
    with pytest.raises(editing.NotEditable, match="only feedback turns"):
        edited(dialogue.turns.get(position=1), reviewer)
    Dialogue.objects.update(state=State.REJECTED)
    with pytest.raises(editing.NotEditable, match="send it back to review first"):
        edited(feedback_of(dialogue), reviewer)


def test_an_edit_of_another_version_or_of_someone_elses_dialogue_is_stale(reviewer, other_reviewer):
    turn = feedback_of(a_dialogue())
    with pytest.raises(Stale):
        edited(turn, reviewer, version=7)
    reviewing.next_dialogue(by=other_reviewer, at=timezone.now())
    with pytest.raises(Stale) as error:
        edited(turn, reviewer)
    assert error.value.current.claimed_by == other_reviewer
    assert not Revision.objects.exists()
    assert edited(turn, reviewer, at=timezone.now() + timedelta(hours=2)) is not None


def test_undoing_an_edit_brings_back_text_staleness_and_state(reviewer):
    a_dialogue()
    dialogue = reviewing.next_dialogue(by=reviewer, at=timezone.now())
    reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)
    turn = feedback_of(dialogue)
    edited(turn, reviewer)
    edit = Action.objects.get(verb="edit feedback")
    undoing = undo(edit, by=reviewer)
    turn.refresh_from_db()
    assert turn.content == "It is slow on long lists."
    assert Dialogue.objects.get().state == State.APPROVED
    assert not Turn.objects.filter(stale=True).exists()
    undo(undoing, by=reviewer)
    turn.refresh_from_db()
    assert turn.content == "It reads the list twice."


def test_undoing_an_edit_in_review_changes_nothing_but_the_turns(reviewer):
    turn = feedback_of(a_dialogue())
    edited(turn, reviewer)
    undoing = undo(Action.objects.get(), by=reviewer)
    assert undoing.rows_changed == 3
    assert Dialogue.objects.get().version == 3
