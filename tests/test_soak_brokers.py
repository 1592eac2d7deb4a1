"""Runs over a real broker: messages doubled, lost and flushed; two workers hold slices while a run is controlled."""

import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from celery import Celery
from django.utils import timezone
from redis import Redis

from runs.models import Slice
from runs.slices import MESSAGE
from tests.demo_models import DemoModel
from tests.servers import start_redis, stop
from tests.sites import Site
from tests.sizes import SOAK, sized
from tests.soaking import a_process, a_worker, both_sides, control, start_toys, wait_for

pytestmark = [pytest.mark.once, pytest.mark.soak, pytest.mark.needs("redis")]

WITHIN_S = 5  # a second, with five-fold room
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
HOLDERS = "WorkItem.objects.filter(state='leased').values('lease_worker').distinct().count()"


class Crew:
    """A site with a Redis of its own; its workers are Celery processes."""

    def __init__(self, folder, model, stack, **settings):
        programs = []
        stack.callback(stop, programs)
        self.stack, self.model = stack, model
        self.site = Site(folder, model.models_file(folder, **{"concurrency = 64": "concurrency = 16"}))
        self.site.environ |= {"REDIS_URL": start_redis(folder, programs), "SECRET_KEY": "for a test", **settings}
        self.redis = Redis.from_url(self.site.environ["REDIS_URL"])
        self.broker = Celery(broker=self.site.environ["REDIS_URL"], set_as_current=False)

    def start_toys(self, kind, items):
        """Queue a run of toys; its message goes to this crew's broker. Returns its number."""
        number = start_toys(self.site, kind, items)
        with self.site.as_own_database():
            turn = Slice.objects.get(run=number).turn
        self.broker.send_task(MESSAGE, args=(number, 0, turn.isoformat()), queue="runs")
        return number

    def begin(self):
        """Two workers for runs, and one for everything short, as `up` has it; at full size its clock too."""
        for name, queue, *clock in (("one", "runs"), ("two", "runs"), ("jobs", "jobs", *["-B"] * SOAK)):
            options = ("-Q", queue, "-n", f"{name}@%h", "--concurrency", "1", *clock, *QUIET)
            self.stack.enter_context(a_process(self.site, "celery", "-A", "config", "-q", "worker", *options))

    def sweep(self):
        self.broker.send_task("runs.tasks.sweep", queue="jobs")

    def is_true(self, expression):
        return lambda: self.site.ask_database(expression)


@pytest.fixture
def model(tmp_path):
    server = DemoModel("--latency", "0.2", log=tmp_path / "arrivals.jsonl")
    yield server
    server.stop()


@pytest.fixture
def crew(tmp_path, model):
    with ExitStack() as stack:
        yield lambda **settings: Crew(tmp_path, model, stack, **settings)


def test_runs_end_though_messages_are_doubled_lost_and_flushed(crew, model):
    items = sized(3_000)
    there = crew(RUN_SLICE_SECONDS="2", RUN_SLICES="3", RUN_WINDOW="24")
    doubled = there.start_toys("once", items)
    (message,) = there.redis.lrange("runs", 0, -1)
    lost = there.start_toys("once", items)
    there.redis.delete("runs")
    there.redis.rpush("runs", message, message)
    there.begin()
    wait_for(lambda: len(model.events("arrived")) >= items / 3, "the doubled message to be taken up")
    there.redis.flushall()
    wait_for(there.is_true(f"Run.objects.get(pk={doubled}).state == 'done'"), "the run that was flushed", seconds=400)
    if not SOAK:  # the time in which its message might still have come passes at once
        assert there.site.ask_database(f"Run.objects.get(pk={lost}).state") == "queued"
        with there.site.as_own_database():
            Slice.objects.filter(run=lost).update(turn=timezone.now() - timedelta(seconds=1))
        there.sweep()
    wait_for(
        there.is_true(f"Run.objects.get(pk={lost}).state == 'done'"), "the run whose message was lost", seconds=400
    )
    assert there.site.ask_database("WorkItem.objects.exclude(state='done').count()") == 0
    assert {(row.asked, row.answers) for row in both_sides(there.site, model).values()} == {(1, 1)}


def test_sweep_pause_and_resume_take_effect_while_both_workers_hold_slices(crew, model):
    there = crew(RUN_WINDOW="16", RUN_SLICE_SECONDS="300")
    run = there.start_toys("four_questions", 5_000 if SOAK else 2_000)
    there.begin()
    wait_for(there.is_true(f"{HOLDERS} == 2"), "both workers to hold a slice", seconds=60)

    with a_worker(there.site) as third:
        wait_for(there.is_true(f"{HOLDERS} == 3"), "a third worker beside them", worker=third)
        third.kill()
        third.wait()
    there.sweep()
    wait_for(there.is_true(f"{HOLDERS} == 2"), "the sweep to free what a dead worker held", seconds=WITHIN_S)

    control(there.site, "pause", run)
    pressed = time.time()
    wait_for(there.is_true("Run.objects.get().state == 'paused'"), "the run to be paused", seconds=WITHIN_S)
    assert there.site.ask_database(f"{HOLDERS}") == 0
    time.sleep(1)
    last = model.events("arrived")[-1]["at"]
    assert last <= pressed + WITHIN_S
    assert model.stats()["in_flight"] == 0

    there.site.manage("runs", "resume", run)
    wait_for(lambda: model.events("arrived")[-1]["at"] > last, "the run to go on", seconds=WITHIN_S)
    control(there.site, "cancel", run)
    wait_for(there.is_true("Run.objects.get().state == 'cancelled'"), "the run to be cancelled", seconds=WITHIN_S)
