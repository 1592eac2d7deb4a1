"""The desk of a worker: an outcome is written down and paid once, also when the database forgets to say that it was."""

import asyncio
from decimal import Decimal

import pytest

from llm.catalog import Endpoint, Model
from llm.client import CallFailed
from runs import workers
from runs.desk import Desk, Settling
from runs.models import Call, Worker
from runs.spool import Spool
from runs.writing import Tally, Writer
from tests.dead_workers import answer, sent
from tests.test_leases import a_run

pytestmark = pytest.mark.django_db(transaction=True)
HOUSE = Endpoint(name="house", base_url="http://127.0.0.1:1/v1")


def at_a_desk(run, work):
    """What the work does at the desk of a new worker of the run."""

    async def work_there():
        writer, worker = Writer(run), workers.register(run)
        spool = Spool(workers.spool_folder(), worker.name)
        try:
            return work(Desk(None, writer, worker, spool))
        finally:
            spool.close()
            await writer.close()

    return asyncio.run(work_there())


def test_an_outcome_that_is_written_again_because_its_commit_was_not_confirmed_counts_once():
    run = a_run()
    arrived = [Settling(number, answer(sent(run, key), cost=Decimal("0.25"))) for number, key in enumerate("ab", 1)]

    def settle_twice(desk):
        first, again = Tally(), Tally()
        written = desk.settle(first, arrived)
        return first, again, [pk for pk, _ in written], [pk for pk, _ in desk.settle(again, arrived)]

    first, again, written, written_again = at_a_desk(run, settle_twice)
    assert (first.spent, first.counts["calls"]) == (Decimal("0.5"), 2)
    assert (again.spent, again.counts["calls"]) == (0, 0)
    assert written == written_again
    assert list(Call.objects.values_list("attempts", "answers")) == [(1, 1)] * 2
    assert Worker.objects.get().outcomes == 2


@pytest.mark.parametrize("answered", [True, False])
def test_an_endpoint_that_goes_away_is_waited_for_by_whoever_it_answered_before_any_of_that_is_written_down(answered):
    def lose_it(desk):
        if answered:
            desk.answered(HOUSE)
        for _ in range(50):
            desk.failed(Model(slug="m", endpoint=HOUSE, name="m"), CallFailed("not_sent", HOUSE, "refused"), 0.0)
        return desk.broken

    broken = at_a_desk(a_run(), lose_it)
    assert (broken == "") == answered
