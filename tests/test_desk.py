"""The desk of a worker: an outcome is written down and paid once, also when the database forgets to say that it was."""

import asyncio
from decimal import Decimal

import pytest

from runs import workers
from runs.desk import Desk, Settling
from runs.models import Call, Worker
from runs.spool import Spool
from runs.writing import Tally, Writer
from tests.dead_workers import answer, sent
from tests.test_leases import a_run

pytestmark = pytest.mark.django_db(transaction=True)


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
