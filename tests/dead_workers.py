"""Workers that died, as the engine finds them: a row, a spool that nobody holds, items they held."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from runs import workers
from runs.models import ItemState, Worker
from runs.outcomes import Outcome, Sent
from runs.spool import Spool


def sent(run, key="a", request=b'{"model":"m"}'):
    return Sent(run.pk, key * 64, "scorer", "demo", "demo-scorer", 0, request)


def answer(question, text="4", cost=None):
    response = b'{"choices":[{"finish_reason":"stop","message":{"content":"%b"}}]}' % text.encode()
    return Outcome(question, response=response, finish_reason="stop", prompt_tokens=10, completion_tokens=2, cost=cost)


def a_dead_worker(run, *, items=(), answered=(), in_flight=(), written=0):
    """A worker that was killed with those items in hand; `written`: how many of its outcomes reached the database."""
    worker = Worker.objects.create(
        name=uuid4().hex, run=run, host=workers.house(workers.spool_folder()), process=1, outcomes=written
    )
    spool = Spool(workers.spool_folder(), worker.name)
    for question in in_flight:
        spool.sent(question)
    for outcome in answered:
        spool.got(spool.sent(outcome.sent), outcome)
    if not spool.close():  # what is unsettled stays
        return hold(worker, items)
    (workers.spool_folder() / f"{worker.name}.lock").touch()
    return hold(worker, items)


def hold(worker, items, *, until=None, host=None):
    """The worker holds these items."""
    for item in items:
        item.state, item.lease_worker, item.lease_host = ItemState.LEASED, worker.name, host or worker.host
        item.lease_token, item.lease_until = "x", until or timezone.now() + timedelta(hours=1)
        item.attempts += 1
        item.save()
    return worker
