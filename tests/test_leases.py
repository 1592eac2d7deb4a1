"""Leases: an item has one holder, who answers for it once; the items of a holder that is gone come back."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections, transaction
from django.utils import timezone

from runs import leases, workers
from runs.models import ItemState, Run, RunState, WorkItem
from runs.spool import Spool
from tests.dead_workers import a_dead_worker, hold

pytestmark = pytest.mark.django_db(transaction=True)


def free_of_charge(item):
    return Decimal(0)


def a_run(items=10, **columns):
    run = Run.objects.create(kind="once", title="toy", **{"state": RunState.RUNNING, "items_total": items, **columns})
    WorkItem.objects.bulk_create([WorkItem(run=run, key=str(number), payload={}) for number in range(items)])
    return run


def claim(run, count, price=free_of_charge, spent=Decimal(0), alone=True):
    with transaction.atomic():
        worker = run.workers.first() or workers.register(run)
        return leases.claim(worker, count, at=timezone.now(), price=price, spent=spent, alone=alone)


def finish(item, state, **why):
    with transaction.atomic():
        return leases.finish(item, state, **why)


def bury_dead(at=None):
    return workers.bury_dead(at=at or timezone.now())


def test_a_claim_takes_the_oldest_items_and_nobody_takes_them_again():
    run = a_run(items=5)
    first, second, third = claim(run, 3), claim(run, 3), claim(run, 3)
    assert [item.key for item in first.items] == ["0", "1", "2"]
    assert [item.key for item in second.items] == ["3", "4"]
    assert (third.items, third.over_budget, third.waiting) == ([], None, False)
    item = WorkItem.objects.first()
    worker = run.workers.get()
    assert (item.state, item.attempts, item.lease_worker, item.lease_host) == ("leased", 1, worker.name, worker.host)
    assert item.lease_token == first.items[0].lease_token != second.items[0].lease_token


def test_two_at_once_never_take_the_same_item():
    run, taken, start = a_run(items=40), [], threading.Barrier(4)

    def take():
        start.wait()
        for _ in range(5):
            taken.extend(item.pk for item in claim(run, 2).items)
        connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


@pytest.mark.parametrize("state", [state for state in RunState if state != RunState.RUNNING])
def test_no_item_of_a_run_that_does_not_run_is_claimed(state):
    assert claim(a_run(state=state), 3).items == []


def test_the_budget_holds_what_is_in_work_and_no_more():
    run = a_run(items=10, budget=Decimal(5), spent=Decimal(1))

    def price(item):
        return Decimal("1.5")

    first = claim(run, 10, price=price)
    assert len(first.items) == 2
    assert Run.objects.get().reserved == 3
    more = claim(run, 10, price=price)
    assert (more.items, more.waiting, more.over_budget) == ([], True, None)
    for item in first.items:
        finish(item, ItemState.DONE)
    # They cost less than was set aside for them; the second of them within this very transaction.
    Run.objects.filter(pk=run.pk).update(spent=Decimal(2))
    assert len(claim(run, 10, price=price, spent=Decimal("0.5")).items) == 1


def test_a_run_that_can_set_nothing_aside_while_nobody_works_is_over_budget():
    run = a_run(budget=Decimal(1))
    claimed = claim(run, 10, price=lambda item: Decimal(2))
    assert (claimed.items, claimed.over_budget, claimed.waiting) == ([], 1, False)
    assert not WorkItem.objects.filter(state=ItemState.LEASED).exists()


def test_money_set_aside_by_a_worker_that_died_is_free_again():
    run = a_run(items=4, budget=Decimal(2))
    assert len(claim(run, 4, price=lambda item: Decimal(1)).items) == 2
    a_dead_worker(run, items=run.items.filter(state=ItemState.LEASED))
    assert bury_dead() == 2
    assert len(claim(run, 4, price=lambda item: Decimal(1)).items) == 2
    assert Run.objects.get().reserved == 2


def test_only_the_holder_ends_an_item_and_only_once():
    mine = claim(a_run(), 1).items[0]
    stranger = WorkItem.objects.get(pk=mine.pk)
    stranger.lease_token = "another"
    assert finish(stranger, ItemState.DONE) is False
    assert finish(mine, ItemState.FAILED, error_class="ValueError" * 20, error="no \x00 and \ud800") is True
    assert finish(mine, ItemState.DONE) is False
    ended = WorkItem.objects.get(pk=mine.pk)
    assert (ended.state, ended.error, ended.lease_token, ended.lease_until) == (
        "failed",
        "no \ufffd and \ufffd",
        "",
        None,
    )


def test_an_item_given_back_was_no_attempt_and_is_given_back_once():
    run = a_run()
    mine = claim(run, 1).items[0]
    with transaction.atomic():
        assert [leases.release([mine]), leases.release([mine])] == [1, 0]
    item = WorkItem.objects.get(pk=mine.pk)
    assert (item.state, item.attempts, item.lease_token, item.lease_worker) == ("pending", 0, "", "")
    assert claim(run, 1).items[0].pk == mine.pk


def test_an_item_lost_and_taken_by_another_is_neither_given_back_nor_renewed_by_the_first():
    run = a_run(items=1)
    lost = claim(run, 1).items[0]
    a_dead_worker(run, items=run.items.all())
    bury_dead()
    taken = claim(run, 1).items[0]
    with transaction.atomic():
        leases.renew([lost], at=timezone.now() + timedelta(days=1))
        assert leases.release([lost]) == 0
        assert leases.finish_all([lost]) == set()
    held = WorkItem.objects.get()
    assert (held.state, held.lease_token, held.lease_until) == ("leased", taken.lease_token, taken.lease_until)


def test_a_sign_of_life_moves_the_end_of_the_lease():
    mine = claim(a_run(), 2).items
    later = timezone.now() + timedelta(hours=1)
    with transaction.atomic():
        leases.renew(mine, at=later)
    assert bury_dead(later) == 0


def test_items_of_an_ended_process_come_back_at_once_and_those_of_a_living_one_stay():
    run = a_run(items=4)
    claim(run, 4)
    a_dead_worker(run, items=run.items.filter(key__in=["0", "1"]))
    assert bury_dead() == 2
    assert list(run.items.filter(state=ItemState.PENDING).values_list("key", flat=True)) == ["0", "1"]


def test_items_whose_spool_was_deleted_by_hand_come_back_when_the_lease_ends(settings):
    claim(a_run(items=2), 2)  # by a worker that has no spool
    end = timezone.now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)
    assert bury_dead(end - timedelta(seconds=5)) == 0
    assert bury_dead(end + timedelta(seconds=5)) == 2


def test_items_of_another_machine_come_back_five_minutes_after_the_lease_ends_and_the_run_says_what_that_means():
    run = a_run(items=2)
    end = timezone.now() + timedelta(seconds=60)
    hold(workers.register(run), run.items.all(), until=end, host="elsewhere/12345678")
    assert bury_dead(end + timedelta(minutes=4)) == 0
    assert bury_dead(end + timedelta(minutes=6)) == 2
    assert Run.objects.get().note == "elsewhere fell silent; what it had in flight may be paid twice"


def test_items_of_a_worker_here_that_lives_and_does_nothing_come_back_in_the_same_way():
    run = a_run(items=2)
    end = timezone.now() + timedelta(seconds=60)
    worker = workers.register(run)
    spool = Spool(workers.spool_folder(), worker.name)
    hold(worker, run.items.all(), until=end)
    assert bury_dead(end + timedelta(minutes=4)) == 0
    assert bury_dead(end + timedelta(minutes=6)) == 2
    assert "fell silent; what it had in flight may be paid twice" in Run.objects.get().note
    spool.close()


def test_an_item_whose_workers_died_again_and_again_comes_last_then_alone_and_then_fails():
    run = a_run(items=3)
    poison = run.items.get(key="0")
    for _ in range(workers.SUSPECT_AFTER):
        a_dead_worker(run, items=[WorkItem.objects.get(pk=poison.pk)])
        bury_dead()
    assert [item.key for item in claim(run, 3).items] == ["1", "2"]
    kept_waiting = claim(run, 3, alone=False)
    assert (kept_waiting.items, kept_waiting.waiting) == ([], True)
    assert [item.key for item in claim(run, 3).items] == ["0"]
    while WorkItem.objects.get(pk=poison.pk).state != ItemState.FAILED:
        a_dead_worker(run, items=[WorkItem.objects.get(pk=poison.pk)])
        bury_dead()
    failed = WorkItem.objects.get(pk=poison.pk)
    assert (failed.error_class, failed.attempts) == ("WorkerDied", workers.FAILED_AFTER)
    assert Run.objects.get().items_failed == 1
