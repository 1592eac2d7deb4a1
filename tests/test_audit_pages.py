"""The audit desk as people meet it: blind first, then the reveal; who is let in; what a late form meets."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Action
from curation.audits import auditing
from curation.models import Judge, Link, Query, Score, Template, Verdict
from tests.making import a_query, a_source
from tests.page_text import HTMX, words

pytestmark = pytest.mark.django_db

LABELS = ["Very Basic", "Basic", "Intermediate", "Difficult", "Very Difficult"]


@pytest.fixture
def judges(db):
    return [
        Judge.objects.create(
            template=Template.objects.create(name=name, level_labels=LABELS, body="{{query}}"),
            model="demo-scorer",
            sampling={},
        )
        for name in ("complexity", "challenge")
    ]


def a_dispute(judges=(), values=(4, 2), **columns):
    facts = {"disputed": True, "scoring": "readable", "mean": 3.0, "linked_gap": 2.0}
    query = a_query(**facts | columns)
    for judge, value in zip(judges, values, strict=False):
        Score.objects.create(
            query=query,
            judge=judge,
            value=value,
            state="ok" if value else "unreadable",
            explanation=f"{judge.template.name} reasons",
        )
    return query


def address(query, **further):
    words = "&".join(f"{name}={value}" for name, value in further.items())
    return reverse("curation:audit_item", args=[query.pk]) + (f"?{words}" if words else "")


def verdict_on(query, **further):
    said = {"version": query.version, "value": 4, "keep": "yes", "who_was_right": "a", "note": "", "shown": ""}
    return said | further


def test_the_queue_hands_out_a_dispute_and_says_so_when_there_is_none(reviewer_client, reviewer):
    empty = reviewer_client.get(reverse("curation:audit"))
    assert "Nothing waits for your audit" in words(empty)
    query = a_dispute()
    response = reviewer_client.get(reverse("curation:audit"))
    assert response.url == address(query)
    assert Query.objects.get().claimed_by == reviewer


def test_the_first_look_is_blind(reviewer_client, judges):
    query = a_dispute(
        judges,
        text="Merge <b>intervals</b>.",
        decision="drop",
        decision_rule="mean_at_least 4.0",
        decided_at=timezone.now(),
    )
    page = reviewer_client.get(address(query))
    assert "Merge &lt;b&gt;intervals&lt;/b&gt;." in page.content.decode()
    for told in ("complexity reasons", "challenge reasons", "mean_at_least", "dropped", "Who was right"):
        assert told not in page.content.decode()
    assert all(label in words(page) for label in LABELS)


def test_a_rating_reveals_both_judges_on_one_scale(reviewer_client, judges):
    query = a_dispute(judges, (4, 2))
    Link.objects.create(
        template=judges[1].template, anchor=judges[0].template, table=[2.2, 3.1, 4, 4.6, 5], method="identity", n=3
    )
    page = reviewer_client.get(address(query, value=5))
    assert "You rated it 5 · Very Difficult" in words(page)
    assert "complexity reasons" in words(page)
    assert "reads as 3.1 on A’s scale" in words(page)
    assert "A 4.0, B 3.1, You 5.0 on the scale of A" in words(page)
    assert "scripted demo model" in words(page)


def test_the_scale_of_the_decision_wins_over_a_later_link(reviewer_client, judges):
    inputs = {"complexity": {"raw": 4, "linked": 4.0}, "challenge": {"raw": 2, "linked": 2.8}}
    query = a_dispute(judges, (4, 2), decision_inputs=inputs)
    assert "reads as 2.8 on A’s scale" in words(reviewer_client.get(address(query, value=3)))


def test_a_judge_without_a_readable_score_is_named_as_such(reviewer_client, judges):
    query = a_dispute(judges, (4, None), scoring="unreadable", linked_gap=None)
    page = words(reviewer_client.get(address(query, value=3)))
    assert "no readable score" in page
    assert "A 4.0, You 3.0" in page


def test_a_verdict_is_saved_and_brings_the_next_item(reviewer_client, reviewer, judges):
    first, second = a_dispute(judges, linked_gap=3.0), a_dispute(judges)
    reviewer_client.get(address(first))
    shown = timezone.now().timestamp() - 30
    said = verdict_on(first, keep="no", note="A toy.", shown=shown)
    response = reviewer_client.post(address(first), said, follow=True)
    assert response.redirect_chain[-1][0] == address(second)
    verdict = Verdict.objects.get()
    assert (verdict.keep, verdict.note, verdict.blind, verdict.by) == (False, "A toy.", True, reviewer)
    assert 29 < verdict.seconds < 60
    assert f"query {first.pk}, drop, rated 4" in words(response)


def test_htmx_gets_the_desk_alone_with_its_address(reviewer_client, judges):
    first, second = a_dispute(judges, linked_gap=3.0), a_dispute(judges)
    reviewer_client.get(address(first))
    response = reviewer_client.post(address(first), verdict_on(first), follow=True, **HTMX)
    assert response["HX-Push-Url"] == address(second)
    assert "<html" not in response.content.decode()
    assert f"<title>Query {second.pk}" in response.content.decode()


def test_a_verdict_without_who_was_right_comes_back_with_its_text(reviewer_client, judges):
    query = a_dispute(judges)
    reviewer_client.get(address(query))
    said = verdict_on(query, note="Half a thought")
    del said["who_was_right"]
    page = reviewer_client.post(address(query), said)
    assert page.status_code == 422
    assert "Say who was right" in words(page)
    assert "Half a thought" in page.content.decode()
    part = reviewer_client.post(address(query), said, **HTMX)
    assert (part.status_code, part["HX-Retarget"]) == (422, "#verdict")
    assert not Verdict.objects.exists()


def test_a_form_without_version_or_rating_is_a_bad_request(reviewer_client):
    query = a_dispute()
    assert reviewer_client.post(address(query), {"keep": "yes"}).status_code == 400


def test_a_stale_form_is_answered_with_both_sides_and_can_be_sent_again(reviewer_client, reviewer, curator, judges):
    query = a_dispute(judges)
    reviewer_client.get(address(query))
    Query.objects.filter(pk=query.pk).update(version=5, claimed_by=None, claimed_until=None)
    page = reviewer_client.post(address(query), verdict_on(query, note="My careful note"))
    assert page.status_code == 409
    assert "Not saved" in words(page)
    assert "My careful note" in page.content.decode()
    assert 'name="version" value="5"' in page.content.decode()
    reviewer_client.post(address(query), verdict_on(query, version=5, note="My careful note"))
    assert Verdict.objects.get().note == "My careful note"


def test_a_lost_lease_keeps_the_text_and_shows_the_other_verdict(reviewer_client, other_reviewer, judges):
    query = a_dispute(judges)
    reviewer_client.get(address(query))
    Query.objects.filter(pk=query.pk).update(claimed_by=other_reviewer)
    theirs = {"value": 2, "keep": False, "who_was_right": "b", "note": "Too easy.", "seconds": 3.0}
    auditing.give_verdict(query.pk, version=1, **theirs, by=other_reviewer, at=timezone.now())
    page = reviewer_client.post(address(query), verdict_on(query, note="My careful note"))
    assert page.status_code == 409
    assert "My careful note" in page.content.decode()
    assert "oskar rated 2, drop: Too easy." in words(page)
    assert Verdict.objects.count() == 1


def test_text_sent_after_the_session_ended_waits_behind_the_log_in(reviewer, judges):
    query = a_dispute(judges)
    client = Client()
    response = client.post(address(query), verdict_on(query, note="My careful note", who_was_right="both"))
    assert response.url == f"{reverse('accounts:login')}?next={address(query)}"
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(address(query))
    assert "Your session had ended" in words(page)
    assert "My careful note" in page.content.decode()
    assert re.search(r'value="both"[^>]* checked', page.content.decode())
    assert not Verdict.objects.exists()
    assert "My careful note" not in client.get(address(query)).content.decode()


def test_htmx_without_a_session_is_sent_to_the_log_in_with_its_text_kept(judges):
    query = a_dispute(judges)
    client = Client()
    response = client.post(address(query), verdict_on(query, note="My careful note"), **HTMX)
    assert response["HX-Redirect"].startswith(reverse("accounts:login"))
    assert client.session["kept_form"]["fields"]["note"] == "My careful note"
    client.post(address(query), verdict_on(query, note="x" * 60_000))
    assert client.session["kept_form"]["fields"]["note"] == "My careful note"


def test_skip_puts_off_and_goes_on(reviewer_client, judges):
    first, second = a_dispute(judges, linked_gap=3.0), a_dispute(judges)
    response = reviewer_client.post(reverse("curation:audit_skip", args=[first.pk]), follow=True)
    assert response.redirect_chain[-1][0] == address(second)
    assert "Skipped by you 1" in words(response)
    assert Query.objects.get(pk=first.pk).claimed_by is None


def test_next_and_previous_move_without_deciding_and_release(reviewer_client, judges):
    first, second = a_dispute(judges, linked_gap=3.0), a_dispute(judges)
    queue = reverse("curation:audit")
    reviewer_client.get(address(first))
    assert reviewer_client.get(f"{queue}?after={first.pk}").url == address(second)
    assert Query.objects.get(pk=first.pk).claimed_by is None
    assert reviewer_client.get(f"{queue}?after={second.pk}").url == address(first)  # past the end it begins anew
    assert reviewer_client.get(f"{queue}?before={second.pk}").url == address(first)
    assert reviewer_client.get(f"{queue}?after=nonsense").url == address(first)


def test_filters_stay_while_moving_on(reviewer_client, judges):
    evol = a_source("evol")
    a_dispute(judges, linked_gap=3.0)
    chosen = a_dispute(judges, source=evol, language="go")
    response = reviewer_client.get(f"{reverse('curation:audit')}?source=evol&language=go&other=1", follow=True)
    assert response.redirect_chain[-1][0] == address(chosen, source="evol", language="go")
    assert 'aria-current="true"' in response.content.decode()
    nothing = reviewer_client.get(f"{reverse('curation:audit')}?language=cobol")
    assert "in this selection" in words(nothing)


def test_the_last_verdict_is_undone_and_judged_again(reviewer_client, judges):
    query = a_dispute(judges)
    reviewer_client.get(address(query))
    reviewer_client.post(address(query), verdict_on(query, note="Too fast"))
    closed = reviewer_client.get(address(query))
    assert "Undo and judge again" in words(closed)
    assert "Too fast" in words(closed)
    response = reviewer_client.post(reverse("curation:audit_reopen", args=[query.pk]), follow=True)
    assert response.redirect_chain[-1][0] == address(query)
    assert "Rate before you see" in words(response)
    assert Verdict.objects.get().withdrawn
    again = reviewer_client.post(reverse("curation:audit_reopen", args=[query.pk]), follow=True)
    assert "Not undone" in words(again)


def test_a_query_that_someone_else_holds_is_shown_but_not_judged(reviewer_client, other_reviewer, judges):
    query = a_dispute(judges)
    auditing.next_dispute(by=other_reviewer, at=timezone.now())
    page = reviewer_client.get(address(query, value=4))
    assert "oskar has it until" in words(page)
    assert "complexity reasons" not in words(page)


def test_keys_are_shown_unless_the_reader_turned_them_off(reviewer_client, reviewer, judges):
    query = a_dispute(judges)
    assert 'data-key="4"' in reviewer_client.get(address(query)).content.decode()
    reviewer.keys_enabled = False
    reviewer.save()
    page = reviewer_client.get(address(query, value=4)).content.decode()
    assert "data-key=" not in page
    assert "<kbd" not in page


def test_the_desk_asks_no_more_queries_for_a_longer_queue(
    reviewer_client, reviewer, judges, django_assert_max_num_queries
):
    def counted(number):
        for _ in range(number):
            done = a_dispute(judges, source=a_source("evol"))
            auditing.take(done.pk, by=reviewer, at=timezone.now())
            reviewer_client.post(address(done), verdict_on(done))
            query = a_dispute(judges)
        cache.clear()  # kept counts would be asked for or not by the clock
        with django_assert_max_num_queries(40) as asked:
            assert reviewer_client.get(address(query, value=4)).status_code == 200
        return len(asked)

    reviewer_client.get(reverse("curation:audit"))
    assert counted(1) >= counted(12)


@pytest.mark.parametrize("name", ["audit", "audit_item", "audit_skip", "audit_reopen"])
def test_strangers_are_sent_to_the_log_in_and_people_without_a_role_refused(name, client, django_user_model):
    query = a_dispute()
    where = reverse(f"curation:{name}", args=[] if name == "audit" else [query.pk])
    ask = client.get if name in ("audit", "audit_item") else client.post
    assert ask(where).url.startswith(reverse("accounts:login"))
    client.force_login(
        django_user_model.objects.create_user("guest"), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert ask(where).status_code == 403
    assert not Action.objects.exists()


def test_wrong_methods_and_absent_queries_are_refused(reviewer_client):
    query = a_dispute()
    assert reviewer_client.post(reverse("curation:audit")).status_code == 405
    assert reviewer_client.delete(address(query)).status_code == 405
    for name in ("audit_skip", "audit_reopen"):
        assert reviewer_client.get(reverse(f"curation:{name}", args=[query.pk])).status_code == 405
        assert reviewer_client.post(reverse(f"curation:{name}", args=[999_999])).status_code == 404
    assert reviewer_client.get(reverse("curation:audit_item", args=[999_999])).status_code == 404
