"""Runs in trouble: a database, a disk or an endpoint that goes away for a while, a storm of 429, a budget too small."""

import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from django.db import connections

from llm.catalog import load_catalog
from runs import controlling
from runs.kinds import kind_named
from runs.models import Run, RunState
from runs.pricing import cost_of_item
from runs.starting import start_run
from runs.waiting import work_until_it_stops
from tests.migrated import ROOT
from tests.servers import free_port, restart_postgresql, start_postgresql, start_postgresql_again, stop
from tests.sites import DemoModel, Site
from tests.sizes import SOAK, sized
from tests.soaking import a_worker, both_sides, control, finish, left_behind, start_toys, wait_for
from tests.toy_kinds import parameters

pytestmark = pytest.mark.soak

ON_POSTGRESQL = "DATABASE_URL" in os.environ
POSTGRESQLS_TROUBLE = pytest.mark.skipif(not ON_POSTGRESQL, reason="a server that goes away is PostgreSQL's trouble")
RUN = "Run.objects.values('state', 'note', 'items_done', 'items_failed', 'calls', 'calls_failed', 'calls_lost').get()"


@pytest.fixture
def model(tmp_path):
    server = DemoModel("--latency", "0.2", log=tmp_path / "arrivals.jsonl")
    yield server
    server.stop()


@pytest.fixture
def site(tmp_path, model):
    return Site(tmp_path, model.models_file(tmp_path, **{"concurrency = 64": "concurrency = 32"}))


def under_way(model, worker, requests):
    """Wait until the worker has sent so many requests."""
    wait_for(lambda: len(model.events("arrived")) >= requests, f"{requests} requests", worker=worker)


def assert_all_done_and_nothing_paid_twice(site, model, items):
    run = site.ask_database(RUN)
    assert (run["state"], run["items_done"], run["items_failed"], run["calls_lost"]) == ("done", items, 0, 0)
    assert all((row.asked, row.answers) == (1, 1) for row in both_sides(site, model).values())
    assert run["calls"] == items
    assert left_behind(site) == []


@pytest.mark.skipif(ON_POSTGRESQL, reason="a file that another process locks is SQLite's trouble")
def test_a_database_locked_by_another_process_is_waited_for(site, model):
    items = sized(4_000)
    start_toys(site, "once", items)
    with a_worker(site) as worker:
        under_way(model, worker, items // 3)
        other = sqlite3.connect(site.database.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(45 if SOAK else 2)
        other.execute("COMMIT")
        other.close()
        assert worker.wait(timeout=300) == 0, worker.said()
    assert_all_done_and_nothing_paid_twice(site, model, items)


@pytest.fixture
def cluster(monkeypatch):
    """A PostgreSQL server of the test's own: its folder, and its programs."""
    # Not under tmp_path: each start of pytest closes the folder above that to everybody else.
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        Path(folder).chmod(0o755)
        programs = []
        monkeypatch.setenv("DATABASE_URL", start_postgresql(Path(folder), programs))
        yield Path(folder), programs
        stop(programs)


@POSTGRESQLS_TROUBLE
def test_a_database_server_that_is_restarted_and_then_crashes_in_mid_run_is_waited_for(cluster, site, model):
    items = sized(4_000)
    start_toys(site, "once", items)
    with a_worker(site) as worker:
        for share, ending in ((3, signal.SIGINT), (2, signal.SIGQUIT)):
            under_way(model, worker, items // share)
            restart_postgresql(*cluster, ending, away_s=20 if SOAK else 2)
        assert worker.wait(timeout=300) == 0, worker.said()
    assert_all_done_and_nothing_paid_twice(site, model, items)


@POSTGRESQLS_TROUBLE
@pytest.mark.skipif(not SOAK, reason="a worker waits for a minute before it gives up")
def test_a_database_server_that_stays_away_ends_the_worker_and_loses_nothing(cluster, site, model):
    items = sized(4_000)
    start_toys(site, "once", items)
    with a_worker(site) as worker:
        under_way(model, worker, items // 3)
        _, (server,) = cluster
        server.send_signal(signal.SIGINT)
        assert worker.wait(timeout=200) != 0
    start_postgresql_again(*cluster)
    finish(site)
    assert_all_done_and_nothing_paid_twice(site, model, items)


@pytest.mark.once
def test_an_endpoint_that_is_down_for_a_while_in_mid_run_is_waited_for(site, model):
    items = sized(2_000)
    start_toys(site, "once", items)
    with a_worker(site) as worker:
        under_way(model, worker, items // 3)
        model.stop()
        time.sleep(60 if SOAK else 8)
        before = site.ask_database(RUN)
        model.start()
        assert worker.wait(timeout=300) == 0, worker.said()
    assert (before["state"], before["items_failed"]) == ("running", 0)
    run = site.ask_database(RUN)
    assert (run["state"], run["items_done"], run["items_failed"], run["calls"]) == ("done", items, 0, items)


@pytest.mark.once
@pytest.mark.needs("bubblewrap")
def test_a_full_disk_under_the_spool_is_said_and_loses_nothing(site, model):
    items = sized(4_000)
    number = start_toys(site, "once", items)
    spool = Path(site.environ["VAR_DIR"], "spool")
    spool.mkdir(parents=True)
    tiny = ["bwrap", "--dev-bind", "/", "/", "--size", "65536", "--tmpfs", str(spool), "--"]
    work = [sys.executable, "manage.py", "work", "--until-idle"]
    subprocess.run([*tiny, *work], cwd=ROOT, env=site.environ, check=True, timeout=300)
    run = site.ask_database(RUN)
    assert run["state"] == "paused"
    assert "cannot be written (No space left on device)" in run["note"]
    assert "make room there" in run["note"]
    assert 0 < run["items_done"] < items
    assert model.stats()["requests"] == run["calls"]
    control(site, "resume", number)
    finish(site)
    assert_all_done_and_nothing_paid_twice(site, model, items)


@pytest.mark.django_db(transaction=True)
def test_a_folder_in_which_no_spool_can_be_made_is_said_on_the_run(here, tmp_path, demo_model, models_file):
    here.VAR_DIR = tmp_path / "file"
    here.VAR_DIR.touch()
    asked = demo_model.stats()["requests"]
    run = work_until_it_stops(a_run("once", 5))
    assert (run.state, run.items.filter(state="pending").count()) == (RunState.PAUSED, 5)
    assert f"{here.VAR_DIR}/spool/" in run.note
    assert "cannot be written (Not a directory), so no question is sent; make room there" in run.note
    assert demo_model.stats()["requests"] == asked


@pytest.mark.once
def test_two_runs_at_one_endpoint_stay_below_its_requests_per_minute_in_every_minute(tmp_path, model):
    limited = {"concurrency = 64": "concurrency = 64\nrequests_per_minute = 600"}
    site = Site(tmp_path, model.models_file(tmp_path, **limited))
    items = sized(600)
    work = "from runs.waiting import work_until_it_stops; work_until_it_stops(Run.objects.get(pk={}))"
    commands = [("shell", "-c", work.format(start_toys(site, "once", items))) for _ in range(2)]
    with a_worker(site, *commands[0]) as one, a_worker(site, *commands[1]) as other:
        assert (one.wait(timeout=600), other.wait(timeout=600)) == (0, 0), one.said() + other.said()
    arrivals = [event["at"] for event in model.events("arrived")]
    assert len(arrivals) == 2 * items
    for window_s in (5, 60):
        print(f"at most {most_within(arrivals, window_s)} in {window_s} s")
        assert most_within(arrivals, window_s) <= 10 * window_s + 10
    assert arrivals[-1] - arrivals[0] <= 1.5 * len(arrivals) / 10


def most_within(arrivals, seconds):
    """The largest number of arrivals in any stretch of so many seconds."""
    first, most = 0, 0
    for last, at in enumerate(arrivals):
        while arrivals[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.fixture
def here(settings, tmp_path, db):
    """Runs of toys in this process."""
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"
    return settings


def a_run(kind, items, budget=None):
    return start_run(kind, by=None, title="toys", parameters=parameters(items), budget=budget)


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["429", "429=0.2"], ids=["without_retry_after", "with_retry_after"])
def test_in_a_storm_of_429_fewer_calls_are_in_flight_and_every_item_is_done(here, tmp_path, fault):
    # Slow enough that even a busy machine fills the window.
    server = DemoModel("--latency", "0.3", log=tmp_path / "arrivals.jsonl")
    here.MODELS_FILE = server.models_file(tmp_path)
    items = sized(4_000)
    work_until_it_stops(a_run("once", items))
    before = statistics.median(event["in_flight"] for event in server.events("arrived"))
    server.fail(fault, rate=0.5, next=items)
    run = work_until_it_stops(a_run("once", items))
    worst = server.events("arrived")[items:][items * 3 // 4 : items]
    server.stop()
    assert (run.state, run.items_done, run.items_failed) == (RunState.DONE, items, 0)
    assert items / 3 < run.calls_failed < items
    assert statistics.median(event["in_flight"] for event in worst) <= before / 2


@pytest.mark.django_db(transaction=True)
def test_a_budget_is_overshot_by_the_last_reservation_at_most(here, models_file):
    budget = work_until_it_stops(a_run("four_questions", sized(1_000))).spent / 3
    run = worked_on_by_two(a_run("four_questions", sized(1_000), budget=budget))
    reservation = cost_of_item(kind_named(run.kind), run.items.first().payload, load_catalog(here.MODELS_FILE))
    assert (run.state, run.reserved) == (RunState.OVER_BUDGET, 0)
    assert budget / 2 < run.spent <= budget + reservation


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_taken_for_free_stops_at_its_budget_but_for_what_is_in_flight(here, tmp_path, demo_model):
    in_flight = 8
    here.MODELS_FILE = demo_model.models_file(tmp_path, **{"concurrency = 64": f"concurrency = {in_flight}"})
    items = sized(1_000)
    needed = work_until_it_stops(a_run("taken_for_free", items)).spent
    run = work_until_it_stops(a_run("taken_for_free", items, budget=needed / 2))
    dearest = max(call.cost for call in run.paid_calls.all())
    assert (run.state, run.reserved, run.items_failed) == (RunState.OVER_BUDGET, 0, 0)
    assert run.budget <= run.spent <= run.budget + in_flight * dearest
    controlling.set_budget(run, 2 * needed, by=None)
    run = work_until_it_stops(run)
    assert (run.state, run.items_done, run.calls) == (RunState.DONE, items, 4 * items)


def worked_on_by_two(run):
    workers = [threading.Thread(target=work_and_close, args=(run.pk,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    run.refresh_from_db()
    return run


def work_and_close(pk):
    work_until_it_stops(Run.objects.get(pk=pk))
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_was_never_there_is_reported_at_once(here, tmp_path, demo_model):
    port = free_port()
    here.MODELS_FILE = demo_model.models_file(tmp_path, **{f":{demo_model.port}/": f":{port}/"})
    began = time.monotonic()
    run = work_until_it_stops(a_run("once", 50))
    assert time.monotonic() - began < 10
    assert (run.state, run.items_failed, run.calls, run.calls_lost) == (RunState.PAUSED, 0, 0, 0)
    assert f"127.0.0.1:{port}" in run.note
