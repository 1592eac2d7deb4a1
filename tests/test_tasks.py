"""Slices and the sweep: a message may be lost, late or doubled, a worker may be gone, and the run still ends."""

from datetime import timedelta

import pytest
from celery.signals import before_task_publish
from django.utils import timezone

from runs import controlling
from runs.models import ItemState, Run, RunState, Slice, WorkItem
from runs.slices import go_on, settle_stopping
from runs.starting import start_run
from runs.tasks import run_slice, sweep
from tests.dead_workers import a_dead_worker
from tests.sites import DemoModel
from tests.toy_kinds import parameters

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sent(settings, models_file):
    """What every message to the broker carried, oldest first."""
    settings.RUN_KINDS, settings.RUN_SLICES = "tests.toy_kinds.KINDS", 1
    messages = []

    def note(body, **_):
        messages.append(tuple(body[0]))

    before_task_publish.connect(note, sender=run_slice.name)
    yield messages
    before_task_publish.disconnect(note, sender=run_slice.name)


def a_run(kind="once", items=20, **more):
    return start_run(kind, by=None, title="toy", parameters=parameters(items, **more))


def deliver(sent):
    run_slice(*sent.pop(0))


def test_a_slice_works_the_run_to_its_end_and_sends_no_further_message(sent):
    run = a_run()
    deliver(sent)
    run.refresh_from_db()
    assert (run.state, run.items_done, run.slices.get().turn, sent) == (RunState.DONE, 20, None, [])


def test_a_slice_ends_after_its_time_lets_calls_arrive_gives_items_back_and_sends_the_next(sent, settings, tmp_path):
    server = DemoModel("--latency", "0.3")
    settings.MODELS_FILE, settings.RUN_SLICE_SECONDS, settings.RUN_WINDOW = server.models_file(tmp_path), 1, 4
    run = a_run("four_questions", items=12)
    deliver(sent)
    run.refresh_from_db()
    assert run.state == RunState.RUNNING
    assert 0 < run.calls == server.stats()["requests"] < 48
    assert not run.items.filter(state=ItemState.LEASED).exists()
    assert len(sent) == 1
    settings.RUN_SLICE_SECONDS = 60
    deliver(sent)
    run.refresh_from_db()
    assert (run.state, run.items_done, run.calls, sent) == (RunState.DONE, 12, 48, [])
    assert server.stats()["requests"] == 48
    server.stop()


def test_a_doubled_message_changes_nothing(sent, settings):
    settings.RUN_SLICE_SECONDS = 0
    run = a_run()
    message = sent[0]
    deliver(sent)
    before = Run.objects.values().get(pk=run.pk)
    run_slice(*message)
    assert Run.objects.values().get(pk=run.pk) == before
    assert len(sent) == 1


def test_a_message_for_a_run_that_is_paused_ended_or_gone_changes_nothing(sent):
    run = a_run()
    controlling.pause(run, by=None)
    deliver(sent)
    assert Run.objects.get().state == RunState.PAUSED
    run_slice(run.pk + 1, 0, timezone.now().isoformat())
    assert not run.items.exclude(state=ItemState.PENDING).exists()


def test_while_a_message_waits_behind_other_runs_the_sweep_sends_no_more(sent):
    runs = [a_run(), a_run(), a_run()]
    for _ in range(5):
        sweep()
    assert len(sent) == 3
    long = runs[2].slices.get().turn - timezone.now()
    assert long > timedelta(seconds=3 * 60)


def test_the_sweep_wakes_a_run_whose_message_was_lost_once_and_the_lost_one_comes_too_late(sent):
    run = a_run()
    lost = sent.pop()
    Slice.objects.update(turn=timezone.now() - timedelta(seconds=1))
    sweep()
    sweep()
    assert len(sent) == 1
    run_slice(*lost)
    assert not run.items.exclude(state=ItemState.PENDING).exists()
    deliver(sent)
    assert Run.objects.get().state == RunState.DONE


def test_the_sweep_frees_a_dead_workers_items_and_wakes_their_run(sent):
    run = a_run(items=3)
    sent.clear()
    Run.objects.update(state=RunState.RUNNING)
    Slice.objects.update(turn=timezone.now() - timedelta(seconds=1))
    a_dead_worker(run, items=run.items.all())
    sweep()
    assert run.items.filter(state=ItemState.PENDING).count() == 3
    deliver(sent)
    assert Run.objects.get().state == RunState.DONE


def test_a_run_whose_last_item_ended_with_its_worker_is_closed(sent):
    run = a_run(items=2)
    sent.clear()
    run.items.update(state=ItemState.DONE)
    Run.objects.update(state=RunState.RUNNING, items_done=2)
    Slice.objects.update(turn=None)
    sweep()
    deliver(sent)
    run.refresh_from_db()
    assert (run.state, run.finished_at is None) == (RunState.DONE, False)


@pytest.mark.parametrize(("stopping", "stopped"), [("pausing", "paused"), ("cancelling", "cancelled")])
def test_a_run_told_to_stop_whose_worker_died_has_stopped(stopping, stopped):
    run = a_run(items=1)
    run.items.update(state=ItemState.LEASED, lease_token="x", lease_until=timezone.now() + timedelta(minutes=1))
    Run.objects.update(state=stopping)
    settle_stopping()
    assert Run.objects.get().state == stopping
    run.items.update(state=ItemState.PENDING)
    settle_stopping()
    run.refresh_from_db()
    assert (run.state, run.finished_at is not None) == (stopped, stopped == "cancelled")


def test_pausing_and_resuming_within_a_slice_leaves_one_message_on_its_way(sent):
    run = a_run()
    during = timezone.now() + timedelta(seconds=90)
    Run.objects.update(state=RunState.RUNNING)
    Slice.objects.update(turn=during)
    place = Slice.objects.select_related("run").get()
    sent.clear()
    controlling.pause(run, by=None)
    controlling.resume(run, by=None)
    go_on(place, told_to_end=False)  # what the slice itself does at its end
    assert len(sent) == 1
    assert WorkItem.objects.filter(state=ItemState.PENDING).count() == 20


def test_a_models_file_that_became_wrong_pauses_the_run_and_names_the_entry(sent, settings, tmp_path):
    a_run(roles={"scorer": "no-such-model"})
    deliver(sent)
    run = Run.objects.get()
    assert run.state == RunState.PAUSED
    assert "no-such-model" in run.note
    assert sent == []


def test_a_worker_that_finds_more_than_it_can_hold_calls_for_help_once(sent, settings):
    settings.RUN_WINDOW, settings.RUN_SLICES, settings.RUN_SLICE_SECONDS = 4, 3, 0
    run = a_run(items=20)
    deliver(sent)  # ends at once, having called the second slice and then its own next one
    assert [(run_id, number) for run_id, number, _ in sent] == [(run.pk, 1), (run.pk, 0)]
    deliver(sent)
    assert [number for _, number, _ in sent] == [0, 2, 1]
    settings.RUN_SLICE_SECONDS = 60
    while sent:
        deliver(sent)
    run.refresh_from_db()
    assert (run.state, run.items_done, run.calls) == (RunState.DONE, 20, 20)


def test_a_run_that_one_worker_can_hold_calls_nobody_else(sent, settings):
    settings.RUN_WINDOW, settings.RUN_SLICES, settings.RUN_SLICE_SECONDS = 20, 3, 0
    a_run(items=20)
    deliver(sent)
    assert [number for _, number, _ in sent] == [0]
