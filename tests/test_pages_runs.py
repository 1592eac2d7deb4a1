"""The pages of runs: the bar, the money, the errors, and the buttons."""

import time
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Action
from runs.models import Call, Run, WorkItem
from tests.making import a_kept_query
from tests.page_text import words

pytestmark = pytest.mark.django_db


def a_run(state="running", **columns):
    columns = {"kind": "score", "title": "Score 10 queries", "items_total": 10, "planned_at": timezone.now()} | columns
    return Run.objects.create(state=state, **columns)


def press(client, run, verb):
    return client.post(reverse("runs:control", args=[run.pk, verb]), follow=True)


def test_the_list_shows_runs_newest_first_with_their_bars(reviewer_client):
    a_run(items_done=4)
    a_run("done", title="Build packs", items_done=10)
    page = words(reviewer_client.get("/runs/"))
    assert page.index("Build packs") < page.index("Score 10 queries")
    assert "4 of 10" in page


def test_the_list_is_narrowed_by_state(reviewer_client):
    a_run()
    a_run("failed", title="Build packs")
    assert "Score 10 queries" not in words(reviewer_client.get("/runs/?state=failed"))
    assert "Build packs" in words(reviewer_client.get("/runs/?state=nonsense"))


def test_an_empty_list_says_what_to_do(reviewer_client):
    assert "manage.py score --dry-run" in words(reviewer_client.get("/runs/"))


def test_a_run_shows_pace_time_left_and_money(reviewer_client):
    samples = [[time.time() - 2, 0], [time.time(), 4]]
    run = a_run(items_done=4, calls=8, spent=Decimal("1.50"), budget=Decimal("2"), rate_samples=samples)
    Call.objects.create(
        key="k",
        run=run,
        role="scorer",
        endpoint="demo",
        model="m",
        state="failed",
        prompt_tokens=120,
        completion_tokens=30,
    )
    page = words(reviewer_client.get(run.get_absolute_url()))
    assert "4 of 10 items, 40 %" in page
    assert "2.0 items/s, 3.0 s left" in page
    assert "120, 30" in page
    assert "$1.50 spent" in page and "of $2.00" in page
    assert "Per result $0.38" in page


def test_only_a_run_that_moves_asks_for_itself_again(reviewer_client):
    for state, polls in (("running", True), ("pausing", True), ("queued", True), ("paused", False), ("done", False)):
        html = reviewer_client.get(a_run(state).get_absolute_url()).content.decode()
        assert ("data-poll" in html) == polls, state


def test_the_end_of_a_run_is_told_to_those_who_watch(reviewer_client):
    run = a_run("done")
    part = reviewer_client.get(run.get_absolute_url(), headers={"HX-Request": "true"})
    assert "Score 10 queries: done" in part["HX-Trigger"]
    assert part.content.decode().strip().startswith('<div id="run"')


def test_errors_are_grouped_with_an_example_each(reviewer_client):
    run = a_run("failed", items_failed=3, items_skipped=1)
    for number in range(3):
        WorkItem.objects.create(
            run=run, key=f"f{number}", payload={}, state="failed", error_class="BadReply", error=f"no score in {number}"
        )
    WorkItem.objects.create(
        run=run, key="s", payload={}, state="skipped", error_class="Skipped", error="no code to run"
    )
    page = words(reviewer_client.get(run.get_absolute_url()))
    assert "failed BadReply 3 no score in 0" in page
    assert "skipped Skipped 1 no code to run" in page


def test_an_error_text_is_only_text(reviewer_client):
    run = a_run("failed", items_failed=1)
    WorkItem.objects.create(
        run=run, key="x", payload={}, state="failed", error_class="E", error="<script>alert(1)</script>"
    )
    assert "<script>alert" not in reviewer_client.get(run.get_absolute_url()).content.decode()


def test_a_curator_pauses_and_resumes_a_run(curator_client, curator):
    run = a_run()
    assert "The run pauses" in words(press(curator_client, run, "pause"))
    assert Run.objects.get().state == "paused"
    press(curator_client, run, "resume")
    assert Run.objects.get().state == "queued"
    assert set(Action.objects.values_list("verb", "by__username")) == {("pause run", "carla"), ("resume run", "carla")}


def test_failed_items_are_retried_together(curator_client):
    run = a_run("failed", items_failed=1)
    WorkItem.objects.create(run=run, key="x", payload={}, state="failed", error_class="E", error="e")
    assert "Retry 1 failed item" in words(curator_client.get(run.get_absolute_url()))
    press(curator_client, run, "retry")
    assert WorkItem.objects.get().state == "pending"


def test_a_verb_that_does_not_fit_is_refused_with_the_reason(curator_client):
    run = a_run("done")
    assert f"run {run.pk} is done" in words(press(curator_client, run, "pause"))
    assert curator_client.post(reverse("runs:control", args=[run.pk, "explode"])).status_code == 404


def test_the_buttons_are_those_that_fit(curator_client, reviewer_client):
    run = a_run()
    html = curator_client.get(run.get_absolute_url()).content.decode()
    assert 'id="run-pause"' in html and 'id="run-cancel"' in html and 'id="run-resume"' not in html
    assert 'id="run-pause"' not in reviewer_client.get(run.get_absolute_url()).content.decode()
    assert 'id="run-cancel"' not in curator_client.get(a_run("done").get_absolute_url()).content.decode()


def test_reviewers_move_no_run_and_links_move_none(reviewer_client, curator_client):
    run = a_run()
    assert press(reviewer_client, run, "pause").status_code == 403
    assert curator_client.get(reverse("runs:control", args=[run.pk, "pause"])).status_code == 405
    assert Run.objects.get().state == "running"


def test_a_budget_is_set_and_lifted(curator_client):
    run = a_run()
    address = reverse("runs:budget", args=[run.pk])
    assert curator_client.post(address, {"budget": "12.50"}).status_code == 302
    assert Run.objects.get().budget == Decimal("12.5")
    curator_client.post(address, {"budget": ""})
    assert Run.objects.get().budget is None


def test_a_budget_below_nothing_is_refused_beside_its_field(curator_client):
    response = curator_client.post(reverse("runs:budget", args=[a_run().pk]), {"budget": "-1"})
    assert response.status_code == 422
    assert 'id="id_budget_error"' in response.content.decode()


def test_a_run_of_scripted_models_says_so(reviewer_client):
    run = a_run(parameters={"roles": {"scorer": "demo-scorer"}})
    assert "Scripted demo model: demo-scorer" in words(reviewer_client.get(run.get_absolute_url()))


def test_the_pages_ask_the_database_as_often_for_many_rows(reviewer_client, django_assert_max_num_queries):
    for _ in range(20):
        run = a_run("failed", items_failed=20)
    for number in range(20):
        WorkItem.objects.create(
            run=run, key=str(number), payload={}, state="failed", error_class=f"E{number % 4}", error="e"
        )
    a_kept_query()
    with django_assert_max_num_queries(8):
        reviewer_client.get("/runs/")
    with django_assert_max_num_queries(8):
        reviewer_client.get(run.get_absolute_url())
