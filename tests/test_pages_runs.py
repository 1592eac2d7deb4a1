"""The pages of runs: the bar, the money, the errors, and the buttons."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Action
from runs import tasks
from runs.models import Call, EndpointBucket, Run, Worker, WorkItem
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
    assert "$1.50 spent of $2.00" in page
    assert "Per result $0.38" in page


def test_what_was_asked_and_lost_on_the_way_is_counted(reviewer_client):
    run = a_run(calls=8, calls_failed=3, calls_lost=2, ledger_hits=5)
    page = words(reviewer_client.get(run.get_absolute_url()))
    assert "Calls answered 8 Attempts that failed 3 Lost in flight 2 Free from the ledger 5" in page


def test_each_question_that_was_lost_is_listed_with_what_is_known_of_it(reviewer_client):
    run = a_run(calls_lost=2)
    asked = {"run": run, "role": "scorer", "endpoint": "house", "model": "m", "attempts": 2}
    Call.objects.create(key="a" * 64, state="unknown", lost=2, error_kind="unknown", error="cut", **asked)
    Call.objects.create(key="b" * 64, state="done", response=b"x", lost=1, answers=1, cost=Decimal("0.5"), **asked)
    Call.objects.create(key="c" * 64, state="done", response=b"x", answers=1, **asked)
    page = words(reviewer_client.get(reverse("runs:lost", args=[run.pk])))
    assert "aaaaaaaaaaaa scorer house m unknown 2 2 –" in page and "cut" in page
    assert "bbbbbbbbbbbb scorer house m done 2 1 $0.50" in page
    assert "cccc" not in page
    assert reverse("runs:lost", args=[run.pk]) in reviewer_client.get(run.get_absolute_url()).content.decode()


def test_who_is_at_a_run_is_named_and_who_fell_silent_too(reviewer_client):
    run = a_run()
    for name, until in (("alive", timedelta(minutes=1)), ("gone", timedelta(minutes=-1))):
        Worker.objects.create(name=name, run=run, host=f"node-{name}/0a1b", process=4711)
        lease = {"lease_worker": name, "lease_token": "t", "lease_until": timezone.now() + until}
        WorkItem.objects.create(run=run, key=name, payload={}, state="leased", **lease)
    page = words(reviewer_client.get(run.get_absolute_url()))
    assert "node-alive 4711 1" in page
    assert "node-gone fell silent 4711 1" in page


def test_an_endpoint_that_holds_a_run_up_says_so(reviewer_client, settings):
    run, now = a_run(parameters={"roles": {"scorer": "demo-scorer"}}), timezone.now()
    left = {"requests_left": 1, "tokens_left": 1, "filled_at": now, "answered_at": now}
    bucket = EndpointBucket.objects.create(endpoint="demo", blocked_until=now + timedelta(seconds=90), **left)
    assert "demo paused at its own wish until" in words(reviewer_client.get(run.get_absolute_url()))
    bucket.blocked_until = now - timedelta(seconds=1)
    bucket.save()
    assert "demo open" in words(reviewer_client.get(run.get_absolute_url()))
    Run.objects.update(state="done")
    assert "demo open" not in words(reviewer_client.get(run.get_absolute_url()))


def test_an_endpoint_at_its_limit_says_how_long_a_question_waits(reviewer_client, settings, tmp_path):
    settings.MODELS_FILE = tmp_path / "models.toml"
    text = (settings.BASE_DIR / "models.toml").read_text()
    settings.MODELS_FILE.write_text(text.replace("concurrency = 64 ", "requests_per_minute = 60\nconcurrency = 64 ", 1))
    run = a_run(parameters={"roles": {"scorer": "demo-scorer"}})
    EndpointBucket.objects.create(endpoint="demo", requests_left=-99, tokens_left=1, filled_at=timezone.now())
    page = words(reviewer_client.get(run.get_absolute_url()))
    assert "at its limit of 60 requests a minute; a new question waits 1 min" in page


def test_a_model_without_a_price_shows_tokens_only_and_says_what_is_missing(reviewer_client, settings, tmp_path):
    settings.MODELS_FILE = tmp_path / "models.toml"
    text = (settings.BASE_DIR / "models.toml").read_text()
    settings.MODELS_FILE.write_text(text.replace("[roles]", '[models.house]\nendpoint = "demo"\n\n[roles]'))
    run = a_run(parameters={"roles": {"scorer": "house"}}, items_done=4)
    page = words(reviewer_client.get(run.get_absolute_url()))
    assert "No price is known for house" in page and "models.toml, as input_usd_per_million" in page
    assert "Spent no price known Per result –" in page
    assert "$0.00" not in page


def test_a_run_that_is_being_planned_is_followed_and_planned_on_when_nobody_is_at_it(curator_client):
    run = a_run("paused", planned_at=None, items_total=500, note="being planned", rate_samples=[[time.time(), 500]])
    html = curator_client.get(run.get_absolute_url()).content.decode()
    assert "Being planned: 500 items so far" in html and "data-poll" in html
    assert 'id="run-resume"' not in html
    Run.objects.update(rate_samples=[[time.time() - 60, 500]])
    page = words(curator_client.get(run.get_absolute_url()))
    assert "Plan it to the end" in page and "No item was written for 1 min 00 s" in page
    press(curator_client, run, "resume")
    assert 'id="run-resume"' not in curator_client.get(run.get_absolute_url()).content.decode()
    Run.objects.update(rate_samples=[], note="planning stopped: no vectors")
    html = curator_client.get(run.get_absolute_url()).content.decode()
    assert "Planning stopped: no vectors" in html and 'id="run-resume"' in html and "data-poll" not in html


def test_a_failed_run_offers_a_retry_and_no_resume(curator_client):
    run = a_run("failed", items_failed=1)
    WorkItem.objects.create(run=run, key="x", payload={}, state="failed", error_class="E", error="e")
    html = curator_client.get(run.get_absolute_url()).content.decode()
    assert html.count('id="run-retry"') == 1 and 'id="run-resume"' not in html


def test_a_run_over_its_budget_offers_a_larger_one(curator_client):
    run = a_run("over_budget", budget=Decimal(1), note="the budget of 1 USD holds no further item")
    page = words(curator_client.get(run.get_absolute_url()))
    assert "Raise the budget" in page and "The budget of 1 USD holds no further item" in page
    curator_client.post(reverse("runs:budget", args=[run.pk]), {"budget": "2"})
    assert Run.objects.get().state == "queued"


def test_a_note_that_something_may_be_paid_twice_is_seen(reviewer_client):
    run = a_run("done", note="node-7 fell silent; what it had in flight may be paid twice")
    assert "may be paid twice" in words(reviewer_client.get(run.get_absolute_url()))


def test_compacting_asks_first_and_says_that_it_is_for_good(curator_client, reviewer_client):
    run = a_run("done", items_done=1, finished_at=timezone.now())
    asked = {"run": run, "role": "scorer", "endpoint": "house", "model": "m"}
    Call.objects.create(key="a", state="done", response=b"x", request=b"y" * 3000, **asked)
    WorkItem.objects.create(run=run, key="x", payload={"text": "z" * 2000}, state="done")
    address = reverse("runs:compact", args=[run.pk])
    assert address in curator_client.get(run.get_absolute_url()).content.decode()
    page = words(curator_client.get(address))
    assert "Requests 1, about 3 kB" in page and "Payloads of done items 1, about 2 kB" in page
    assert "This cannot be undone" in page
    assert Call.objects.get().request is not None
    assert reviewer_client.post(address).status_code == 403
    followed = curator_client.post(address, follow=True)
    assert "The worker for jobs drops what this run no longer needs" in words(followed)
    assert "data-poll" in followed.content.decode()
    tasks.compact(run.pk, Action.objects.get().pk)
    page = words(curator_client.get(run.get_absolute_url()))
    assert "compacted" in page and "5 kB dropped" in page
    assert address not in curator_client.get(run.get_absolute_url()).content.decode()


def test_a_run_at_work_is_not_compacted(curator_client):
    run = a_run()
    address = reverse("runs:compact", args=[run.pk])
    assert "It can be compacted when it has ended" in words(curator_client.get(address))
    assert "a run is compacted when it has ended" in words(curator_client.post(address, follow=True))
    assert not Action.objects.exists()


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
