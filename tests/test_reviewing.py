"""Review of dialogues: who is handed what, what each decision writes, what a late one meets."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions import CannotUndo, undo
from accounts.models import Action, Door
from dialogues import reviewing
from dialogues.models import Dialogue, Review, State, Turn, Version
from tests.making import a_dialogue
from web.claims import Stale

pytestmark = pytest.mark.django_db


def held_by(person):
    return reviewing.next_dialogue(by=person, at=timezone.now())


def test_the_oldest_dialogue_comes_first_and_is_claimed(reviewer, other_reviewer):
    first, second = a_dialogue(), a_dialogue()
    assert held_by(reviewer) == first
    assert held_by(other_reviewer) == second
    assert Dialogue.objects.get(pk=first.pk).claimed_by == reviewer


def test_a_lease_that_ran_out_lets_the_next_reviewer_in(reviewer, other_reviewer):
    only = a_dialogue()
    assert held_by(reviewer) == only
    assert held_by(other_reviewer) is None
    assert reviewing.next_dialogue(by=other_reviewer, at=timezone.now() + timedelta(hours=2)) == only


def test_approving_freezes_the_messages_as_they_read(reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    version = reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)
    after = Dialogue.objects.get(pk=dialogue.pk)
    assert (after.state, after.version, after.claimed_by) == (State.APPROVED, dialogue.version + 1, None)
    assert version.number == 1
    assert [message["role"] for message in json.loads(version.messages)] == ["user", "assistant"] * 2
    assert Review.objects.get().outcome == "approved"
    assert Action.objects.get().rows_changed == 2


@pytest.mark.parametrize("late", ["another version", "another holder", "nobody holds it", "decided"])
@pytest.mark.parametrize("decision", ["approve", "reject", "needs_work"])
def test_a_decision_that_comes_too_late_is_stale_and_writes_nothing(late, decision, reviewer, other_reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    row = Dialogue.objects.filter(pk=dialogue.pk)
    changes = {
        "another version": {"version": 9},
        "another holder": {"claimed_by": other_reviewer},
        "nobody holds it": {"claimed_by": None},
        "decided": {"state": State.REJECTED},
    }
    row.update(**changes[late])
    reason = {} if decision == "approve" else {"reason": "Wrong output."}
    with pytest.raises(Stale) as error:
        getattr(reviewing, decision)(dialogue.pk, version=dialogue.version, by=reviewer, **reason)
    assert error.value.current == dialogue
    assert not Review.objects.exists()
    assert not Version.objects.exists()


def test_rejecting_and_needing_work_say_why(reviewer):
    a_dialogue(), a_dialogue()
    first = held_by(reviewer)
    with pytest.raises(reviewing.NotReviewable, match="say why"):
        reviewing.reject(first.pk, version=first.version, reason="  ", by=reviewer)
    reviewing.reject(first.pk, version=first.version, reason="Wrong output.", by=reviewer)
    second = held_by(reviewer)
    reviewing.needs_work(second.pk, version=second.version, reason="No edge cases.", by=reviewer)
    states = dict(Dialogue.objects.values_list("pk", "state"))
    assert states == {first.pk: "rejected", second.pk: "needs_work"}
    assert [review.reason for review in Review.objects.order_by("pk")] == ["Wrong output.", "No edge cases."]


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        (("A question", "An answer", "Feedback without an answer"), "the last message is the user's"),
        (("A question", "An answer", "Feedback", "   "), "message 3 is empty"),
    ],
)
def test_a_dialogue_that_breaks_a_rule_is_not_approved(contents, why, reviewer):
    a_dialogue(*contents)
    dialogue = held_by(reviewer)
    with pytest.raises(reviewing.NotReviewable, match=why):
        reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)
    assert Dialogue.objects.get(pk=dialogue.pk).claimed_by == reviewer
    assert not Version.objects.exists()


def test_roles_that_do_not_alternate_are_named(reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    dialogue.turns.filter(position=2).update(role="assistant", kind="answer")
    with pytest.raises(reviewing.NotReviewable, match="message 2 is the assistant's"):
        reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)


def test_a_stale_answer_needs_the_reviewers_word_which_is_kept(reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    dialogue.turns.filter(position=3).update(stale=True)
    with pytest.raises(reviewing.NotReviewable, match="turn 3 was written before"):
        reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)
    reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer, still_fits=True, note="Checked by hand.")
    assert Review.objects.get().reason == f"{reviewing.STILL_FITS}\nChecked by hand."
    assert not Turn.objects.filter(stale=True).exists()


def test_several_stale_answers_are_all_named(reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    dialogue.turns.filter(position__in=[1, 3]).update(stale=True)
    with pytest.raises(reviewing.NotReviewable, match="turns 1, 3 were written before"):
        reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)


def test_a_dialogue_that_wants_two_words_is_approved_by_the_second(reviewer, other_reviewer):
    a_dialogue(reviews_wanted=2)
    first = held_by(reviewer)
    assert reviewing.approve(first.pk, version=first.version, by=reviewer) is None
    assert held_by(reviewer) is None
    second = held_by(other_reviewer)
    assert reviewing.approve(second.pk, version=second.version, by=other_reviewer).number == 1


def test_sent_back_a_dialogue_meets_its_reviewer_again_and_gets_a_second_version(reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)
    with pytest.raises(Stale):
        reviewing.back_to_review(dialogue.pk, version=dialogue.version, by=reviewer)
    reviewing.back_to_review(dialogue.pk, version=dialogue.version + 1, by=reviewer, reason="Look again.")
    again = held_by(reviewer)
    with pytest.raises(reviewing.NotReviewable, match="in review already"):
        reviewing.back_to_review(again.pk, version=again.version, by=reviewer)
    assert reviewing.approve(again.pk, version=again.version, by=reviewer).number == 2


def test_undoing_an_approval_brings_the_dialogue_back_and_keeps_the_version(reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    reviewing.approve(dialogue.pk, version=dialogue.version, by=reviewer)
    undo(Action.objects.get(), by=reviewer)
    assert Review.objects.get().withdrawn
    assert Version.objects.count() == 1
    assert held_by(reviewer) == dialogue


def test_ones_own_review_is_withdrawn_and_may_be_given_again(reviewer, other_reviewer):
    a_dialogue()
    dialogue = held_by(reviewer)
    reviewing.reject(dialogue.pk, version=dialogue.version, reason="Off topic.", by=reviewer)
    assert reviewing.take(dialogue.pk, by=reviewer, at=timezone.now()) is None
    with pytest.raises(CannotUndo, match="no standing review"):
        reviewing.withdraw_review(dialogue.pk, by=other_reviewer)
    undoing = reviewing.withdraw_review(dialogue.pk, by=reviewer)
    assert reviewing.take(dialogue.pk, by=reviewer, at=timezone.now()) == dialogue
    undo(undoing, by=reviewer)
    assert Dialogue.objects.get().state == State.REJECTED
    reviewing.withdraw_review(dialogue.pk, by=reviewer)
    assert Dialogue.objects.get().state == State.IN_REVIEW


def test_a_skipped_dialogue_goes_to_others(reviewer, other_reviewer):
    a_dialogue()
    now = timezone.now()
    reviewing.skip(held_by(reviewer), by=reviewer, at=now, until=now + timedelta(hours=1))
    assert held_by(reviewer) is None
    assert reviewing.count_skipped(reviewer, at=now) == 1
    assert held_by(other_reviewer) is not None
    Dialogue.objects.update(state=State.APPROVED)
    assert reviewing.count_skipped(reviewer, at=now) == 0
    with pytest.raises(ValueError, match="has passed"):
        reviewing.skip(Dialogue.objects.get(), by=reviewer, at=now, until=now)


def test_next_and_previous_walk_the_queue_without_deciding(reviewer):
    first, second, third = a_dialogue(method="packing"), a_dialogue(), a_dialogue(method="packing")
    now = timezone.now()
    assert reviewing.next_dialogue(by=reviewer, at=now, after=first.pk) == second
    assert reviewing.next_dialogue(by=reviewer, at=now, after=first.pk, only={"method": "packing"}) == third
    assert reviewing.next_dialogue(by=reviewer, at=now, after=third.pk) is None
    assert reviewing.previous_dialogue(by=reviewer, at=now, before=third.pk) == second


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the size of the table")
def test_next_reads_the_index_of_the_queue_and_not_past_decided_rows(reviewer):
    queue = reviewing.reviews_for(reviewer, at=timezone.now()).within_reach(by_id=reviewer.pk, at=timezone.now())
    plan = queue.values_list("pk")[:8].explain()
    assert "dialogue_review_queue" in plan
    assert "review_by_dialogue" in plan
    assert "TEMP B-TREE" not in plan


def test_many_are_approved_whoever_holds_them_and_what_breaks_a_rule_is_named(reviewer, curator):
    good, broken, stale = a_dialogue(), a_dialogue("A question only"), a_dialogue()
    stale.turns.filter(position=3).update(stale=True)
    held = held_by(reviewer)
    many = reviewing.approve_many([good.pk, broken.pk, stale.pk], by=curator, door=Door.ADMIN, note="clean runs")
    assert set(many.refused) == {broken.pk, stale.pk}
    assert many.action.rows_changed == 2
    assert Version.objects.get().dialogue == good
    with pytest.raises(Stale):
        reviewing.approve(held.pk, version=held.version, by=reviewer)
    undo(many.action, by=curator)
    assert Dialogue.objects.get(pk=good.pk).state == State.IN_REVIEW


def test_many_are_rejected_and_sent_back_in_one_action_each(curator):
    dialogues = [a_dialogue() for _ in range(3)]
    ids = [dialogue.pk for dialogue in dialogues]
    with pytest.raises(reviewing.NotReviewable, match="say why"):
        reviewing.reject_many(ids, " ", by=curator, door=Door.ADMIN)
    assert reviewing.reject_many(ids, "Off topic.", by=curator, door=Door.ADMIN).action.rows_changed == 6
    assert set(Dialogue.objects.values_list("state", flat=True)) == {"rejected"}
    sent = reviewing.send_back_many(ids, by=None, door=Door.COMMAND)
    assert sent.action.rows_changed == 3
    assert Dialogue.objects.awaiting_review().count() == 3
    assert reviewing.send_back_many(ids, by=None, door=Door.COMMAND).action.rows_changed == 0
    undo(sent.action, by=curator)
    assert not Dialogue.objects.awaiting_review().exists()


@pytest.mark.django_db(transaction=True)
def test_six_reviewers_approve_sixty_dialogues_once_each(django_user_model):
    people = [django_user_model.objects.create_user(f"person-{number}") for number in range(6)]
    for _ in range(60):
        a_dialogue()

    def work(person):
        approved = []
        try:
            while dialogue := held_by(person):
                reviewing.approve(dialogue.pk, version=dialogue.version, by=person)
                approved.append(dialogue.pk)
            return approved
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as pool:
        approved = [pk for pks in pool.map(work, people) for pk in pks]
    assert len(approved) == len(set(approved)) == 60
    assert Version.objects.count() == Review.objects.count() == 60
    assert not Dialogue.objects.awaiting_review().exists()
