"""The writer: many pieces to one transaction, and the trouble of one piece stays its own."""

import asyncio

import pytest
from django.db import IntegrityError, OperationalError

from curation.models import Source
from runs.models import Run
from runs.writing import Writer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run():
    return Run.objects.create(kind="once", title="toy")


def written(run, *pieces, **options):
    """The outcome of each piece, all of them handed in at once."""

    async def write():
        writer = Writer(run)
        tasks = [asyncio.create_task(writer.do(piece, **options)) for piece in pieces]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await writer.close()
        return outcomes, writer.run

    return asyncio.run(asyncio.wait_for(write(), timeout=60))


def a_source(slug):
    def piece(tally):
        tally.counts.update(calls=1)
        return Source.objects.create(slug=slug).slug

    return piece


def test_pieces_are_written_and_counted_on_the_run(run):
    outcomes, seen = written(run, *(a_source(f"s{number}") for number in range(300)))
    assert outcomes == [f"s{number}" for number in range(300)]
    assert Run.objects.get().calls == seen.calls == Source.objects.count() == 300


def test_a_piece_that_fails_is_told_so_and_its_neighbours_are_written_once(run):
    outcomes, _ = written(run, a_source("first"), a_source("first"), a_source("third"))
    assert isinstance(outcomes.pop(1), IntegrityError)
    assert outcomes == ["first", "third"]
    assert (Run.objects.get().calls, Source.objects.count()) == (2, 2)


def test_a_piece_that_runs_out_of_an_iterator_does_not_end_the_writer(run):
    outcomes, _ = written(run, lambda tally: next(iter(())), a_source("second"))
    assert isinstance(outcomes[0], RuntimeError)
    assert outcomes[1] == "second"


def test_a_transaction_that_the_database_gave_up_is_tried_again(run):
    tries = []

    def deadlocked(tally):
        tally.counts.update(calls=1)
        tries.append(tally)
        if len(tries) < 3:
            raise OperationalError("deadlock detected")
        return "written"

    outcomes, _ = written(run, deadlocked, a_source("second"))
    assert outcomes == ["written", "second"]
    assert Run.objects.get().calls == 2


def test_a_run_that_is_gone_is_told_to_every_piece(run):
    run.delete()
    run.pk = 10**6
    outcomes, _ = written_and_gone(run)
    assert [type(outcome) for outcome in outcomes] == [Run.DoesNotExist, Run.DoesNotExist]


def written_and_gone(run):
    async def write():
        writer = Writer(run)
        outcomes = await asyncio.gather(writer.do(a_source("a")), writer.do(a_source("b")), return_exceptions=True)
        with pytest.raises(Run.DoesNotExist):
            await writer.close()
        return outcomes, None

    return asyncio.run(asyncio.wait_for(write(), timeout=60))


def test_what_locks_the_run_comes_last_so_that_no_two_workers_wait_for_each_other(run):
    order = []

    async def write():
        writer = Writer(run)
        await asyncio.gather(
            writer.do(lambda tally: order.append("claim"), locks_run=True),
            writer.do(lambda tally: order.append("answer")),
            writer.do(lambda tally: order.append("turn")),
        )
        await writer.close()

    asyncio.run(write())
    assert order == ["answer", "turn", "claim"]


def test_unhurried_arguments_are_gathered_while_other_pieces_pass_and_none_is_left_behind(run):
    at_once = []

    def work(tally, arguments):
        at_once.append(len(arguments))
        return [10 * argument for argument in arguments]

    async def write():
        writer = Writer(run)
        writer.items_in_hand = 1_000
        waiting = []
        for number in range(10):
            waiting.append(writer.together(work, number, unhurried=True))
            await writer.do(lambda tally: None)
        last = writer.together(work, 10, unhurried=True)
        await writer.close()
        return await asyncio.gather(*waiting, last)

    assert asyncio.run(asyncio.wait_for(write(), timeout=60)) == [10 * number for number in range(11)]
    assert sum(at_once) == 11
    assert len(at_once) < 11
