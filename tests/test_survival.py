"""Scoring as a process that is killed, and against an endpoint that is down: nothing lost, nothing paid twice."""

import json
import os
import signal

import pytest

from runs import controlling
from runs.models import Run
from tests.sites import DemoModel, Site
from tests.soaking import a_worker, wait_for

QUERIES = 60
TEMPLATES = 2


@pytest.fixture
def queries_file(tmp_path):
    path = tmp_path / "queries.jsonl"
    rows = [
        {"instruction": f"Write a function, variant {n}, that merges {n} sorted lists.", "response": "Use heapq.merge."}
        for n in range(QUERIES)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def own_model():
    server = DemoModel("--latency", "0.15")
    yield server
    server.stop()


@pytest.fixture
def scored_site(tmp_path, own_model, queries_file):
    site = Site(tmp_path, own_model.models_file(tmp_path, **{"concurrency = 64": "concurrency = 8"}))
    site.manage("import_queries", queries_file, "--source", "made")
    return site


def until_asked(model, requests, process):
    wait_for(lambda: model.stats()["requests"] >= requests, f"{requests} requests", worker=process)


@pytest.mark.once  # workers are killed on both databases by test_soak_scoring.py
def test_scoring_killed_in_the_middle_goes_on_and_repeats_at_most_what_was_in_flight(scored_site, own_model):
    with a_worker(scored_site, "score", "--wait") as process:
        until_asked(own_model, 0.3 * QUERIES * TEMPLATES, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    result = scored_site.manage("score", "--wait", "--json")
    assert (result["state"], result["items"], result["done"]) == ("done", QUERIES * TEMPLATES, QUERIES * TEMPLATES)
    in_flight = 8
    stats = own_model.stats()
    reminders = stats["distinct"] - QUERIES * TEMPLATES
    assert QUERIES * TEMPLATES <= stats["requests"] - reminders <= QUERIES * TEMPLATES + in_flight
    assert stats["requests"] - stats["distinct"] <= in_flight
    scores = scored_site.ask_database(
        "[Score.objects.count(), Score.objects.values('query', 'judge').distinct().count()]"
    )
    assert scores == [QUERIES * TEMPLATES] * 2


@pytest.mark.once
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT], ids=["by_the_system", "by_ctrl_c"])
def test_scoring_that_is_asked_to_end_writes_what_is_in_flight_and_repeats_nothing(scored_site, own_model, asked):
    with a_worker(scored_site, "score", "--wait") as process:
        until_asked(own_model, 0.3 * QUERIES * TEMPLATES, process)
        os.kill(process.pid, asked)
        assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert scored_site.ask_database("WorkItem.objects.filter(state='leased').count()") == 0
    assert 0 < scored_site.ask_database("Score.objects.count()") < QUERIES * TEMPLATES
    result = scored_site.manage("score", "--wait", "--json")
    assert (result["state"], result["done"]) == ("done", QUERIES * TEMPLATES)
    assert own_model.stats()["repeated"] == 0


@pytest.mark.once
def test_scoring_with_the_endpoint_down_names_it_finishes_later_and_never_pays_twice(scored_site, own_model):
    own_model.stop()
    status, stdout, _ = scored_site.run("score", "--wait", "--json")
    assert status == 3
    assert f"[endpoints.demo] base_url http://127.0.0.1:{own_model.port}/v1 cannot be reached" in stdout
    assert scored_site.ask_database("Score.objects.count()") == 0
    own_model.start()
    result = scored_site.manage("score", "--wait", "--json")
    assert result["done"] == QUERIES * TEMPLATES
    assert float(result["spent"]) > 0
    assert own_model.stats()["repeated"] == 0
    # A second equal command finds nothing to do and pays nothing.
    quoted = scored_site.manage("score", "--dry-run", "--json")
    again = scored_site.manage("score", "--wait", "--json")
    assert (quoted["items"], quoted["calls"]) == (0, 0)
    assert (again["items"], again["calls"], float(again["spent"])) == (0, 0, 0.0)


@pytest.mark.once
def test_a_lab_that_is_paused_and_killed_goes_on_and_a_second_equal_one_pays_nothing(scored_site, own_model):
    lab, answers = ("rubric_lab", "--sample", "40"), 40 * 4
    assert scored_site.ask_database("Template.objects.count()") == 4  # a migration brought them

    with a_worker(scored_site, *lab, "--wait") as process:
        until_asked(own_model, 0.2 * answers, process)
        with scored_site.as_own_database():
            controlling.pause(Run.objects.get(), by=None)
        assert process.wait(timeout=60) == 3
        assert "paused" in process.said()
    asked = own_model.stats()
    assert asked["requests"] < answers
    assert asked["repeated"] == 0
    with a_worker(scored_site, *lab, "--wait") as process:
        until_asked(own_model, 0.6 * answers, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    result = scored_site.manage(*lab, "--wait", "--json")
    assert (result["run"], result["state"], result["done"]) == (1, "done", answers)
    assert [arm["n"] for arm in result["arms"]] == [40, 40, 40, 40]
    asked = own_model.stats()
    assert asked["requests"] - asked["distinct"] <= 8  # what was in flight
    assert scored_site.ask_database("Score.objects.filter(judge__lab=True).count()") == answers
    again = scored_site.manage(*lab, "--wait", "--json")
    assert (again["run"], again["calls"], float(again["spent"])) == (2, 0, 0.0)
    assert own_model.stats()["requests"] == asked["requests"]
    assert [arm["tokens"] for arm in again["arms"]] == [arm["tokens"] for arm in result["arms"]]


def test_two_worker_processes_share_a_run_and_every_count_is_exact(tmp_path, own_model, queries_file):
    limited = {"concurrency = 64": "concurrency = 8\nrequests_per_minute = 3000"}
    site = Site(tmp_path, own_model.models_file(tmp_path, **limited))
    site.environ["RUN_WINDOW"] = "8"  # small enough that both find something
    site.manage("import_queries", queries_file, "--source", "made")
    queued = site.manage("score", "--budget", "5", "--json")
    with a_worker(site) as one, a_worker(site) as other:
        assert (one.wait(timeout=120), other.wait(timeout=120)) == (0, 0), one.said() + other.said()
    run, calls, holders, facts = site.ask_database(
        "[Run.objects.values('state', 'items_done', 'items_failed', 'calls', 'reserved', 'spent').get(),"
        " Call.objects.aggregate(n=Count('pk'), paid=Sum('cost'), attempts=Sum('attempts')),"
        " WorkItem.objects.values('lease_worker').distinct().count(),"
        " Query.objects.exclude(scoring='none').count()]"
    )
    stats = own_model.stats()
    assert (run["state"], run["items_done"], run["items_failed"]) == ("done", queued["items"], 0)
    assert run["calls"] == calls["n"] == calls["attempts"] == stats["requests"] == stats["distinct"]
    assert float(run["spent"]) == pytest.approx(float(calls["paid"]))
    assert (float(run["reserved"]), holders) == (0, 2)
    # The facts of a query follow from its scores, whichever worker wrote the last of them.
    assert facts == QUERIES
