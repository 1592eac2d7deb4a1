"""Workers that died: what they left in their spool is written down once, whatever had reached the database before."""

from decimal import Decimal

import pytest
from django.utils import timezone

from runs import workers
from runs.models import Call, Run, Worker, WorkItem
from tests.dead_workers import a_dead_worker, answer, sent
from tests.test_leases import a_run

pytestmark = pytest.mark.django_db(transaction=True)


def bury_dead():
    return workers.bury_dead(at=timezone.now())


def test_an_answer_that_arrived_but_was_not_written_down_is_paid_once_and_kept():
    run = a_run(items=1)
    a_dead_worker(run, items=run.items.all(), answered=[answer(sent(run), cost=Decimal("0.25"))], in_flight=[])
    assert bury_dead() == 1
    assert bury_dead() == 0
    call, run = Call.objects.get(), Run.objects.get()
    assert (call.state, call.attempts, call.answers, call.cost) == ("done", 1, 1, Decimal("0.25"))
    assert (run.calls, run.spent, run.calls_lost) == (1, Decimal("0.25"), 0)
    assert not Worker.objects.exists()
    assert list(workers.spool_folder().glob("*.jsonl")) == []


def test_what_had_reached_the_database_is_not_counted_again():
    run = a_run()
    outcomes = [answer(sent(run, key), cost=Decimal(1)) for key in "abc"]
    a_dead_worker(run, answered=outcomes, in_flight=[sent(run, "d")], written=2)
    bury_dead()
    assert list(Call.objects.values_list("key", "state").order_by("key")) == [("c" * 64, "done"), ("d" * 64, "unknown")]
    run = Run.objects.get()
    assert (run.calls, run.spent, run.calls_lost) == (1, 1, 1)


def test_a_question_in_flight_when_its_worker_died_is_an_attempt_whose_fate_is_unknown():
    run = a_run()
    a_dead_worker(run, in_flight=[sent(run, "a"), sent(run, "b")])
    bury_dead()
    assert list(Call.objects.values_list("state", "attempts", "lost")) == [("unknown", 1, 1)] * 2
    assert Call.objects.first().error == "the worker ended before an answer was written down"
    assert Run.objects.get().calls_lost == 2


def test_however_often_workers_are_killed_an_item_is_not_blamed_while_they_get_something_done():
    run = a_run(items=1)
    for number in range(2 * workers.FAILED_AFTER):
        arrived = [answer(sent(run, "abcdefghijkl"[number]))]
        a_dead_worker(run, items=WorkItem.objects.all(), answered=arrived, in_flight=[sent(run)])
        assert bury_dead() == 1
    item = WorkItem.objects.get()
    assert (item.state, item.attempts < workers.SUSPECT_AFTER) == ("pending", True)


def test_a_damaged_spool_is_written_down_as_far_as_it_can_be_read_and_the_run_says_so():
    run = a_run()
    a_dead_worker(run, answered=[answer(sent(run), cost=Decimal(1))], in_flight=[sent(run, "b")])
    (path,) = workers.spool_folder().glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b"{broken}\n")
    bury_dead()
    run = Run.objects.get()
    assert (run.calls, run.spent, run.calls_lost) == (1, 1, 1)
    assert f"{path.with_suffix('.damaged')} has a line that cannot be read" in run.note
    assert path.with_suffix(".damaged").exists() and not path.exists()


def test_the_spool_of_a_run_that_is_gone_is_put_away():
    run = a_run()
    a_dead_worker(run, in_flight=[sent(run)])
    run.delete()
    assert bury_dead() == 0
    assert list(workers.spool_folder().glob("*.jsonl")) == []
