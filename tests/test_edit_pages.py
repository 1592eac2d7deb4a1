"""Editing feedback turns at the review desk: in place, as a page, too late, and what approval asks then."""

import pytest
from django.urls import reverse
from django.utils import timezone

from dialogues import editing
from dialogues.feedback import CATEGORIES
from dialogues.models import Dialogue, Review, Revision, State, Version
from tests.making import a_dialogue
from tests.page_text import HTMX, words
from tests.review_forms import EDITED, address, decision_on, edit_address, edit_of, feedback_of

pytestmark = pytest.mark.django_db


def test_a_feedback_turn_is_edited_in_place(reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    form = reviewer_client.get(edit_address(dialogue), **HTMX)
    assert "<html" not in form.content.decode()
    assert "1 sentence" in words(form)
    assert all(category in words(form) for category in CATEGORIES)
    saved = reviewer_client.post(edit_address(dialogue), edit_of(dialogue), **HTMX).content.decode()
    answer = dialogue.turns.get(position=3)
    assert f'id="turn-{answer.pk}"' in saved  # the answer below comes along, marked as stale
    assert saved.count('hx-swap-oob="true"') == 3
    assert 'name="version" value="2"' in saved
    assert "still fits" in saved
    assert Revision.objects.get().content_after == EDITED
    cancelled = reviewer_client.get(reverse("dialogues:turn", args=[feedback_of(dialogue).pk]), **HTMX)
    assert EDITED in cancelled.content.decode()


def test_editing_works_as_a_page_without_a_script(reviewer_client):
    dialogue = a_dialogue()
    page = reviewer_client.get(edit_address(dialogue))
    assert "<html" in page.content.decode()
    response = reviewer_client.post(edit_address(dialogue), edit_of(dialogue))
    assert response.url == f"{address(dialogue)}#turn-{feedback_of(dialogue).pk}"
    shown = reviewer_client.get(address(dialogue))
    assert "Changed from the original" in words(shown)
    assert "<ins>" in shown.content.decode()
    turn = reviewer_client.get(reverse("dialogues:turn", args=[feedback_of(dialogue).pk]))
    assert turn.url == response.url


def test_after_an_edit_approval_asks_whether_the_answer_still_fits(reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    reviewer_client.post(edit_address(dialogue), edit_of(dialogue))
    page = reviewer_client.post(address(dialogue), decision_on(dialogue))
    assert page.status_code == 422
    assert "turn 3 was written before the feedback was edited" in words(page)
    assert "Fix &amp; approve" in page.content.decode()
    reviewer_client.post(address(dialogue), decision_on(dialogue, still_fits="on"))
    assert Dialogue.objects.get().state == State.APPROVED
    assert Review.objects.get().edited
    assert EDITED in Version.objects.get().messages


def test_feedback_that_runs_long_or_gives_the_fix_away_is_pointed_out(reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    text = "Sort first. Then merge. Use `pairs = sorted(pairs)`."
    saved = reviewer_client.post(edit_address(dialogue), edit_of(dialogue, content=text), **HTMX)
    assert "It has 3 sentences" in words(saved)
    assert "It gives the fix away" in words(saved)


@pytest.mark.parametrize(
    ("unfit", "why"),
    [({"content": "  "}, "the feedback is empty"), ({"category": "Style"}, "none of the ten categories")],
)  # fmt: skip
def test_an_unfit_edit_comes_back_as_the_form_with_its_text(unfit, why, reviewer_client):
    dialogue = a_dialogue()
    page = reviewer_client.post(edit_address(dialogue), edit_of(dialogue, **unfit), **HTMX)
    assert page.status_code == 422
    assert why.lower() in words(page).lower()
    assert not Revision.objects.exists()


def test_an_edit_that_comes_too_late_shows_both_texts_and_can_be_saved_again(reviewer_client, other_reviewer):
    dialogue = a_dialogue()
    turn = feedback_of(dialogue)
    late = edit_of(dialogue)
    theirs = "It never says what happens to an empty list."
    editing.edit_feedback(
        turn.pk, content=theirs, category="Efficiency", version=1, by=other_reviewer, at=timezone.now()
    )
    page = reviewer_client.post(edit_address(dialogue), late)
    assert page.status_code == 409
    assert theirs in page.content.decode()
    assert EDITED in page.content.decode()
    assert "oskar holds it until" in words(page)
    Dialogue.objects.update(claimed_by=None, claimed_until=None)
    reviewer_client.post(edit_address(dialogue), edit_of(dialogue))
    turn.refresh_from_db()
    assert turn.content == EDITED
    assert turn.revisions.count() == 2


def test_editing_an_approved_dialogue_takes_it_back_and_reloads_the_desk(reviewer_client, reviewer):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    reviewer_client.post(address(dialogue), decision_on(dialogue))
    assert "saving takes it back to review" in words(reviewer_client.get(edit_address(dialogue), **HTMX))
    response = reviewer_client.post(edit_address(dialogue), edit_of(dialogue), **HTMX)
    assert response["HX-Redirect"] == f"{address(dialogue)}#turn-{feedback_of(dialogue).pk}"
    assert Dialogue.objects.get().state == State.IN_REVIEW
    assert "Your decision" in words(reviewer_client.get(address(dialogue)))


def test_only_feedback_turns_have_an_edit_page(reviewer_client):
    dialogue = a_dialogue()
    answer = dialogue.turns.get(position=1)
    assert reviewer_client.get(reverse("dialogues:edit_turn", args=[answer.pk])).status_code == 404
    assert reviewer_client.get(reverse("dialogues:turn", args=[answer.pk])).status_code == 404
