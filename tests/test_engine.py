"""The engine against a real endpoint: every item once, every answer paid once, stops and goes on as told."""

import threading
import time
from decimal import Decimal

import pytest

from curation.models import Source
from runs import controlling
from runs.models import Call, Execution, ItemState, Run, RunState, WorkItem
from runs.starting import start_run, unfinished
from runs.waiting import work_until_idle, work_until_it_stops
from tests.sites import DemoModel
from tests.toy_kinds import parameters

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def toy_kinds(settings, models_file):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


def a_run(kind="once", items=20, budget=None, **more):
    return start_run(kind, by=None, title="toy", parameters=parameters(items, **more), budget=budget)


def test_a_run_does_every_item_once_and_counts_what_it_paid(demo_model):
    before = demo_model.stats()["requests"]
    run = work_until_it_stops(a_run(items=150))
    assert (run.state, run.items_done, run.calls, run.items_open) == (RunState.DONE, 150, 150, 0)
    assert demo_model.stats()["requests"] - before == 150
    assert Source.objects.count() == 150
    assert run.spent == sum(call.cost for call in Call.objects.filter(run=run)) > 0
    assert run.reserved == 0


def test_a_question_answered_before_is_free_in_another_run(demo_model):
    first = work_until_it_stops(a_run(items=10))
    asked = demo_model.stats()["requests"]
    again = start_run("once", by=None, title="again", parameters=first.parameters)
    again = work_until_it_stops(again)
    assert (again.items_done, again.calls, again.ledger_hits, again.spent) == (10, 0, 10, Decimal(0))
    assert demo_model.stats()["requests"] == asked


def test_the_same_question_asked_twice_at_once_is_sent_once(demo_model):
    before = demo_model.stats()["requests"]
    run = work_until_it_stops(a_run("twice", items=5))
    assert run.items_done == 5
    assert demo_model.stats()["requests"] - before == 5
    assert set(Source.objects.values_list("title", flat=True)) == {"1"}


def test_a_failed_item_keeps_its_reason_and_can_be_retried():
    run = work_until_it_stops(a_run("odd_fails", items=6))
    assert (run.state, run.items_done, run.items_failed) == (RunState.DONE, 3, 3)
    failed = run.items.filter(state=ItemState.FAILED).first()
    assert (failed.error_class, failed.error) == ("ValueError", f"number {failed.payload['number']} is odd")
    for item in run.items.filter(state=ItemState.FAILED):
        item.payload["mended"] = True
        item.save()
    assert controlling.retry_failed(run, by=None) == 3
    run = work_until_it_stops(run)
    assert (run.state, run.items_done, run.items_failed) == (RunState.DONE, 6, 0)


def test_a_skipped_item_says_why_and_is_no_failure():
    run = work_until_it_stops(a_run("skips", items=2))
    assert (run.state, run.items_skipped, run.items_failed) == (RunState.DONE, 2, 0)
    assert run.items.first().error == "nothing to do for this one"


@pytest.mark.needs("bubblewrap")
def test_a_chain_runs_code_and_remembers_it():
    run = work_until_it_stops(a_run("chain", items=3))
    assert run.items_done == 3, list(run.items.values_list("error", flat=True))
    assert sorted(Execution.objects.values_list("stdout", flat=True)) == ["0\n", "1\n", "2\n"]
    assert run.calls == 12


def test_a_run_stops_within_its_budget_and_goes_on_when_it_is_raised():
    budget = Decimal("0.0006")
    run = work_until_it_stops(a_run(items=100, budget=budget))
    assert run.state == RunState.OVER_BUDGET
    assert 0 < run.items_done < 100
    assert run.spent <= budget
    controlling.set_budget(run, Decimal(10), by=None)
    run = work_until_it_stops(run)
    assert (run.state, run.items_done) == (RunState.DONE, 100)


def test_an_endpoint_that_is_down_pauses_the_run_and_is_named(settings, tmp_path):
    server = DemoModel()
    settings.MODELS_FILE = server.models_file(tmp_path)
    server.stop()
    run = work_until_it_stops(a_run(items=30))
    assert run.state == RunState.PAUSED
    assert f"endpoint demo (http://127.0.0.1:{server.port}/v1)" in run.note
    assert run.items.filter(state=ItemState.PENDING).count() == 30
    assert not Source.objects.exists()
    server.start()
    controlling.resume(run, by=None)
    run = work_until_it_stops(run)
    assert (run.state, run.items_done) == (RunState.DONE, 30)
    assert server.stats()["requests"] == 30
    server.stop()


def test_pause_takes_effect_while_a_worker_holds_the_run_and_resume_finishes_it(settings, tmp_path):
    server = DemoModel("--latency", "0.2")
    settings.MODELS_FILE = server.models_file(tmp_path)
    settings.RUN_WINDOW = 8
    run = a_run(items=200)

    def press_pause():
        while not Run.objects.filter(pk=run.pk, calls__gte=8).exists():
            time.sleep(0.05)
        controlling.pause(Run.objects.get(pk=run.pk), by=None)

    thread = threading.Thread(target=press_pause)
    thread.start()
    paused = work_until_it_stops(run)
    thread.join()
    assert paused.state == RunState.PAUSED
    assert 8 <= paused.items_done < 200
    assert not WorkItem.objects.filter(state=ItemState.LEASED).exists()
    # What was in flight was written down: nothing that was paid for is lost.
    assert server.stats()["requests"] == paused.calls
    controlling.cancel(paused, by=None)
    assert Run.objects.get(pk=run.pk).state == RunState.CANCELLED
    server.stop()


def test_work_until_idle_takes_every_queued_run():
    runs = [a_run(items=3), a_run(items=4)]
    assert work_until_idle() == 2
    assert {Run.objects.get(pk=run.pk).state for run in runs} == {RunState.DONE}


def test_an_equal_unfinished_run_is_found_so_that_the_same_command_goes_on():
    run = a_run(items=3)
    assert unfinished("once", run.parameters) == run
    assert unfinished("once", {**run.parameters, "items": 4}) is None
    work_until_it_stops(run)
    assert unfinished("once", run.parameters) is None


def test_items_whose_worker_was_killed_are_taken_up_again():
    run = a_run(items=5)
    dead = 2**22 + 1  # above any process id of this machine
    run.items.update(
        state=ItemState.LEASED,
        lease_host=__import__("socket").gethostname(),
        lease_process=dead,
        lease_token="x",
        lease_until="2100-01-01T00:00:00Z",
    )
    run = work_until_it_stops(run)
    assert (run.state, run.items_done) == (RunState.DONE, 5)
