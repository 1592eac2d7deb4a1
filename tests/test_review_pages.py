"""The review desk as people meet it: decide, late forms, and who is let in."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Action
from dialogues import reviewing
from dialogues.models import Dialogue, Review, State, Version
from runs.models import Execution
from tests.making import a_dialogue
from tests.page_text import HTMX, words
from tests.review_forms import EDITED, address, decision_on, edit_address, edit_of, feedback_of

pytestmark = pytest.mark.django_db


def test_the_queue_hands_out_a_dialogue_and_says_so_when_there_is_none(reviewer_client, reviewer):
    assert "Nothing waits for your review" in words(reviewer_client.get(reverse("dialogues:review")))
    dialogue = a_dialogue()
    assert reviewer_client.get(reverse("dialogues:review")).url == address(dialogue)
    assert Dialogue.objects.get().claimed_by == reviewer


def test_a_dialogue_is_shown_with_its_code_its_runs_and_its_flags(reviewer_client):
    dialogue = a_dialogue(flags=["feedback_gives_fix_away"], scripted=True, last_run_clean=False)
    run = Execution.objects.create(
        key="k", code="x", language="python", limits={}, runtime="python3", backend="none", status="error", phase="run",
        stdout="partial", stderr="NameError: x", wall_s=0.2, cpu_s=0.1, peak_rss_bytes=1,
    )  # fmt: skip
    dialogue.turns.filter(position=3).update(execution=run)
    page = reviewer_client.get(address(dialogue))
    assert '<span class="mi">1</span>' in page.content.decode()
    assert "NameError: x" in words(page)
    assert "feedback tells how to program the remedy" in words(page)
    assert "scripted demo model" in words(page)


def test_approving_brings_the_next_dialogue(reviewer_client, reviewer):
    first, second = a_dialogue(), a_dialogue()
    reviewer_client.get(address(first))
    response = reviewer_client.post(address(first), decision_on(first), follow=True)
    assert response.redirect_chain[-1][0] == address(second)
    assert f"dialogue {first.pk}, approved" in words(response)
    assert Version.objects.get().by == reviewer


@pytest.mark.parametrize(("outcome", "state"), [("rejected", "rejected"), ("needs_work", "needs_work")])
def test_turning_down_needs_a_reason_and_keeps_it(outcome, state, reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    page = reviewer_client.post(address(dialogue), decision_on(dialogue, outcome))
    assert page.status_code == 422
    assert "Say why" in words(page)
    part = reviewer_client.post(address(dialogue), decision_on(dialogue, outcome), **HTMX)
    assert (part.status_code, part["HX-Retarget"]) == (422, "#decision")
    reviewer_client.post(address(dialogue), decision_on(dialogue, outcome, reason="Wrong output."))
    assert Dialogue.objects.get().state == state
    assert Review.objects.get().reason == "Wrong output."


def test_a_refused_form_keeps_the_version_that_its_reader_saw(reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    Dialogue.objects.update(version=4)
    page = reviewer_client.post(address(dialogue), decision_on(dialogue, "rejected", version=1))
    assert page.status_code == 422
    assert 'name="version" value="1"' in page.content.decode()


def test_forms_without_a_version_are_bad_requests(reviewer_client):
    dialogue = a_dialogue()
    assert reviewer_client.post(address(dialogue), {"outcome": "approved"}).status_code == 400
    assert reviewer_client.post(edit_address(dialogue), {"content": EDITED}).status_code == 400


def test_an_unknown_decision_comes_back_as_the_form(reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    page = reviewer_client.post(address(dialogue), decision_on(dialogue, "maybe", reason="Half a thought"))
    assert page.status_code == 422
    assert "Half a thought" in page.content.decode()


def test_a_stale_form_is_answered_with_both_sides_and_can_be_sent_again(reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    Dialogue.objects.update(version=4)
    late = decision_on(dialogue, "rejected", reason="My careful reason", version=1)
    page = reviewer_client.post(address(dialogue), late)
    assert page.status_code == 409
    assert "Not saved" in words(page)
    assert page.content.decode().count("My careful reason") == 2  # what was sent, and the form that sends it again
    assert 'name="version" value="4"' in page.content.decode()
    reviewer_client.post(address(dialogue), decision_on(dialogue, "rejected", reason="My careful reason"))
    assert Dialogue.objects.get().state == State.REJECTED


def test_a_lost_lease_keeps_the_text_and_shows_the_other_review(reviewer_client, other_reviewer):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    Dialogue.objects.update(claimed_by=other_reviewer)
    reviewing.reject(dialogue.pk, version=1, reason="Off topic.", by=other_reviewer)
    page = reviewer_client.post(address(dialogue), decision_on(dialogue, reason="My careful note", version=1))
    assert page.status_code == 409
    assert "My careful note" in page.content.decode()
    assert re.search(r"oskar rejected, [^:]*\d\d:\d\d : Off topic\.", words(page))
    assert not Version.objects.exists()


def test_text_sent_after_the_session_ended_waits_behind_the_log_in(reviewer):
    dialogue = a_dialogue()
    client = Client()
    client.post(address(dialogue), decision_on(dialogue, "rejected", reason="My careful reason"))
    client.post(edit_address(dialogue), edit_of(dialogue))
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(edit_address(dialogue))
    assert "Your session had ended" in words(page)
    assert EDITED in page.content.decode()
    assert re.search(r'value="Resource Optimization"[^>]* checked', page.content.decode())
    assert not Review.objects.exists()


def test_skip_next_and_previous_move_on_without_deciding(reviewer_client):
    first, second = a_dialogue(), a_dialogue(method="packing")
    queue = reverse("dialogues:review")
    reviewer_client.get(address(first))
    assert reviewer_client.get(f"{queue}?after={first.pk}").url == address(second)
    assert Dialogue.objects.get(pk=first.pk).claimed_by is None
    assert reviewer_client.get(f"{queue}?before={second.pk}").url == address(first)
    assert reviewer_client.get(f"{queue}?method=packing").url == f"{address(second)}?method=packing"
    response = reviewer_client.post(reverse("dialogues:review_skip", args=[first.pk]), follow=True)
    assert "Skipped by you 1" in words(response)


def test_the_last_review_is_undone_and_decided_again(reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    reviewer_client.post(address(dialogue), decision_on(dialogue, "rejected", reason="Too fast"))
    assert "Undo and decide again" in words(reviewer_client.get(address(dialogue)))
    response = reviewer_client.post(reverse("dialogues:review_reopen", args=[dialogue.pk]), follow=True)
    assert "Your decision" in words(response)
    assert Review.objects.get().withdrawn
    again = reviewer_client.post(reverse("dialogues:review_reopen", args=[dialogue.pk]), follow=True)
    assert "Not undone" in words(again)


def test_a_decided_dialogue_is_sent_back_to_review(reviewer_client, other_reviewer_client):
    dialogue = a_dialogue()
    reviewer_client.get(address(dialogue))
    reviewer_client.post(address(dialogue), decision_on(dialogue, "needs_work", reason="No edge cases."))
    back = reverse("dialogues:review_back", args=[dialogue.pk])
    page = other_reviewer_client.get(address(dialogue))
    assert "Back to review" in words(page)
    assert "No edge cases." in words(page)
    assert other_reviewer_client.post(back, {"version": 1}).status_code == 409
    response = other_reviewer_client.post(back, {"version": 2}, follow=True)
    assert "Your decision" in words(response)
    refused = other_reviewer_client.post(back, {"version": 3}, follow=True)
    assert "in review already" in words(refused)


@pytest.mark.once
def test_the_desk_asks_no_more_queries_for_longer_dialogues_and_queues(reviewer_client, django_assert_max_num_queries):
    def counted(turns, dialogues):
        for _ in range(dialogues):
            dialogue = a_dialogue(*[f"Message {number}" for number in range(turns)])
            reviewer_client.get(address(dialogue))
            reviewer_client.post(address(dialogue), decision_on(dialogue, "rejected", reason="No."))
        dialogue = a_dialogue(*[f"Message {number}" for number in range(turns)])
        cache.clear()  # kept counts would be asked for or not by the clock
        with django_assert_max_num_queries(40) as asked:
            assert reviewer_client.get(address(dialogue)).status_code == 200
        return len(asked)

    counted(2, 1)
    assert counted(2, 1) >= counted(12, 11)


WALKED = [
    ("review", "get"), ("review_item", "get"), ("review_item", "post"), ("review_skip", "post"),
    ("review_reopen", "post"), ("review_back", "post"), ("turn", "get"), ("edit_turn", "get"), ("edit_turn", "post"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "method"), WALKED)
def test_strangers_are_sent_to_the_log_in_and_people_without_a_role_refused(name, method, client, django_user_model):
    dialogue = a_dialogue()
    args = {"review": [], "turn": [feedback_of(dialogue).pk], "edit_turn": [feedback_of(dialogue).pk]}
    where = reverse(f"dialogues:{name}", args=args.get(name, [dialogue.pk]))
    ask = getattr(client, method)
    assert ask(where).url.startswith(reverse("accounts:login"))
    guest = django_user_model.objects.create_user("guest")
    client.force_login(guest, backend="django.contrib.auth.backends.ModelBackend")
    assert ask(where).status_code == 403
    assert not Action.objects.exists()


def test_wrong_methods_and_absent_rows_are_refused(reviewer_client):
    dialogue = a_dialogue()
    assert reviewer_client.post(reverse("dialogues:review")).status_code == 405
    assert reviewer_client.delete(address(dialogue)).status_code == 405
    assert reviewer_client.post(reverse("dialogues:turn", args=[feedback_of(dialogue).pk])).status_code == 405
    for name in ("review_skip", "review_reopen", "review_back"):
        assert reviewer_client.get(reverse(f"dialogues:{name}", args=[dialogue.pk])).status_code == 405
        assert reviewer_client.post(reverse(f"dialogues:{name}", args=[999_999])).status_code == 404
    for name in ("review_item", "turn", "edit_turn"):
        assert reviewer_client.get(reverse(f"dialogues:{name}", args=[999_999])).status_code == 404
