"""The engine against a real endpoint: every item once, every answer paid once, stops and goes on as told."""

import threading
import time
from decimal import Decimal

import pytest
from django.db import connections

from curation.models import Source
from runs import controlling
from runs.models import Call, Execution, ItemState, Run, RunState, WorkItem
from runs.starting import start_run, unfinished
from runs.waiting import work_until_idle, work_until_it_stops
from tests.dead_workers import a_dead_worker
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
    assert (run.items_done, run.calls, run.ledger_hits) == (5, 5, 5)
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
    a_dead_worker(run, items=run.items.all())
    run = work_until_it_stops(run)
    assert (run.state, run.items_done) == (RunState.DONE, 5)


def test_an_outcome_that_cannot_be_saved_fails_its_item_alone():
    run = work_until_it_stops(a_run("saves_badly", items=6))
    assert (run.state, run.items_done, run.items_failed, run.calls) == (RunState.DONE, 3, 3, 6)
    assert Source.objects.count() == 3
    assert "not saved: " in run.items.filter(state=ItemState.FAILED).first().error


def test_an_item_whose_reason_no_database_holds_fails_all_the_same():
    run = work_until_it_stops(a_run("fails_badly", items=3))
    assert (run.state, run.items_failed) == (RunState.FAILED, 3)
    assert run.items.first().error == "what the program printed: \ufffd and \ufffd"


def test_an_answer_still_on_its_way_when_its_item_fails_is_written_down(settings, tmp_path):
    server = DemoModel("--latency", "0.6")
    settings.MODELS_FILE = server.models_file(tmp_path)
    run = work_until_it_stops(a_run("fails_while_asking", items=3))
    assert run.items.first().error == "gave up while a question was in flight"
    assert (run.items_failed, run.calls, server.stats()["requests"]) == (3, 3, 3)
    server.stop()


def test_a_pause_does_not_wait_for_a_long_retry_after(settings, tmp_path):
    server = DemoModel()
    settings.MODELS_FILE = server.models_file(tmp_path)
    server.fail("429=600")
    run = a_run(items=3)
    throttled = run.paid_calls.filter(error_kind="rate_limited")
    took = stopped_by(controlling.pause, run, when=throttled.exists)
    assert Run.objects.get().state == RunState.PAUSED
    assert took < 3
    assert run.items.filter(state=ItemState.PENDING).count() == 3
    server.stop()


def test_a_cancel_drops_what_is_in_flight_at_once(settings, tmp_path):
    server = DemoModel("--latency", "30")
    settings.MODELS_FILE = server.models_file(tmp_path)
    run = a_run(items=3)
    took = stopped_by(controlling.cancel, run, when=lambda: server.stats()["in_flight"] == 3)
    run.refresh_from_db()
    assert (run.calls, run.calls_lost) == (0, 3)
    assert set(Call.objects.values_list("state", "attempts", "lost")) == {("unknown", 1, 1)}
    assert (run.state, run.finished_at is None, run.reserved) == (RunState.CANCELLED, False, 0)
    assert took < 3
    assert not WorkItem.objects.exclude(state=ItemState.PENDING).exists()
    server.stop()


def stopped_by(verb, run, *, when):
    """Seconds from the press of a button until the run's worker is through."""
    pressed = []

    def press():
        while not when():
            time.sleep(0.05)
        verb(Run.objects.get(pk=run.pk), by=None)
        pressed.append(time.monotonic())
        connections.close_all()

    thread = threading.Thread(target=press)
    thread.start()
    work_until_it_stops(run)
    thread.join()
    return time.monotonic() - pressed[0]


def test_two_workers_share_a_run_and_its_counters_are_exact(demo_model, settings):
    settings.RUN_WINDOW = 8
    before = demo_model.stats()["requests"]
    run = a_run("four_questions", items=60, budget=Decimal(10))
    workers = [threading.Thread(target=work_and_close, args=(run.pk,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    run.refresh_from_db()
    assert (run.state, run.items_done, run.calls, run.reserved) == (RunState.DONE, 60, 240, 0)
    assert demo_model.stats()["requests"] - before == 240
    assert run.spent == sum(call.cost for call in Call.objects.filter(run=run))
    assert set(run.items.values_list("attempts", flat=True)) == {1}


def work_and_close(pk):
    work_until_it_stops(Run.objects.get(pk=pk))
    connections.close_all()


def test_two_runs_at_one_endpoint_keep_to_its_allowance_together(settings, tmp_path):
    server = DemoModel()
    limited = {"concurrency = 64": "concurrency = 64\nrequests_per_minute = 600"}
    settings.MODELS_FILE = server.models_file(tmp_path, **limited)
    runs = [a_run(items=25, budget=Decimal(10)) for _ in range(2)]
    workers = [threading.Thread(target=work_and_close, args=(run.pk,)) for run in runs]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {Run.objects.get(pk=run.pk).state for run in runs} == {RunState.DONE}
    assert server.stats()["requests"] == 50
    assert time.monotonic() - began >= 4.4  # five at once, the others at ten a second
    server.stop()
