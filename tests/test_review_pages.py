"""The review desk as people meet it: decide, edit in place, late forms, and who is let in."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Action
from dialogues import editing, reviewing
from dialogues.feedback import CATEGORIES
from dialogues.models import Dialogue, Review, Revision, State, Version
from runs.models import Execution
from tests.making import a_dialogue

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}
EDITED = "It copies the list twice. Long lists will not fit."


def address(dialogue):
    return reverse("dialogues:review_item", args=[dialogue.pk])


def edit_address(dialogue):
    return reverse("dialogues:edit_turn", args=[feedback_of(dialogue).pk])


def feedback_of(dialogue):
    return dialogue.turns.get(kind="feedback")


def words(response):
    """The text of a page with its tags and runs of white space gone."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def decision_on(dialogue, outcome="approved", **further):
    version = Dialogue.objects.values_list("version", flat=True).get(pk=dialogue.pk)
    return {"version": version, "outcome": outcome, "reason": ""} | further


def edit_of(dialogue, **further):
    version = Dialogue.objects.values_list("version", flat=True).get(pk=dialogue.pk)
    return {"version": version, "content": EDITED, "category": "Resource Optimization"} | further


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


def test_the_desk_asks_no_more_queries_for_longer_dialogues_and_queues(reviewer_client, django_assert_max_num_queries):
    def counted(turns, dialogues):
        for _ in range(dialogues):
            dialogue = a_dialogue(*[f"Message {number}" for number in range(turns)])
            reviewer_client.get(address(dialogue))
            reviewer_client.post(address(dialogue), decision_on(dialogue, "rejected", reason="No."))
        dialogue = a_dialogue(*[f"Message {number}" for number in range(turns)])
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
