"""Workers that live and workers that died: what a dead one left in its spool is written down, its items come back."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from runs import ledger
from runs.models import ItemState, Run, Worker, WorkItem
from runs.outcomes import Outcome, Sent
from runs.spool import DeadSpool, house
from runs.writing import Tally

# A lease held by another machine may belong to a worker that only lost its network: it gets this long on top.
GRACE = timedelta(minutes=5)
# A worker that was killed takes all its items with it; only an item that died so often, lately alone, is to blame.
# Deaths of workers that got anything done do not add up to that, so that no number of kills stops a run.
SUSPECT_AFTER, FAILED_AFTER = 3, 6
REPLAYED_AT_ONCE = 200
DIED = "WorkerDied"


def spool_folder() -> Path:
    """Where the workers of this machine keep their spools of this database; it has to outlive a container."""
    database = connection.settings_dict
    identity = "|".join(str(database[name]) for name in ("ENGINE", "HOST", "PORT", "NAME"))
    return Path(settings.VAR_DIR) / "spool" / hashlib.sha256(identity.encode()).hexdigest()[:12]


def register(run: Run, name: str | None = None) -> Worker:
    """A worker begins; its name is that of its spool."""
    return Worker.objects.create(name=name or uuid4().hex, run=run, host=house(spool_folder()), process=os.getpid())


def bury_dead(*, at: datetime) -> int:
    """Write down what workers of this machine left behind, free their items and those of silent workers.

    Returns how many items came back. Items of another machine, or of a worker here that lives but does nothing, come
    back when their lease ended five minutes ago: what was in flight may be paid twice, and the run says so.
    """
    freed = 0
    for spool in DeadSpool.all_in(spool_folder()):
        freed += _replay(spool)
        spool.remove()
    return freed + _free_forgotten(at) + _free_silent(at)


def _replay(spool: DeadSpool) -> int:
    worker = Worker.objects.filter(name=spool.name).select_related("run").first()
    if worker is None:  # it ended properly, or its run is gone: everything it did is written down
        return 0
    attempts, outcomes = spool.read()
    for _, number, _ in outcomes:
        attempts.pop(number, None)
    unwritten = [(ordinal, outcome) for ordinal, _, outcome in outcomes if ordinal > worker.outcomes]
    for start in range(0, len(unwritten), REPLAYED_AT_ONCE):
        block = unwritten[start : start + REPLAYED_AT_ONCE]
        _write(worker, [outcome for _, outcome in block], ordinal=block[-1][0])
    with transaction.atomic():
        _count(worker, [_lost(sent) for sent in attempts.values()])
        held = WorkItem.objects.filter(lease_worker=worker.name, state=ItemState.LEASED)
        if spool.damaged:
            kept = ", ".join(str(path.with_suffix(".damaged")) for path in sorted(spool.damaged))
            note = f"{kept} has a line that cannot be read; what it held may be paid twice"
            Run.objects.filter(pk=worker.run_id).update(note=note)
        if outcomes or worker.outcomes:
            held.filter(attempts__gte=SUSPECT_AFTER).update(attempts=SUSPECT_AFTER - 1)
        freed = _come_back(list(held.values_list("pk", flat=True)))
        worker.delete()
    return freed


def _write(worker: Worker, outcomes: list[Outcome], *, ordinal: int) -> None:
    with transaction.atomic():
        _count(worker, outcomes)
        Worker.objects.filter(pk=worker.pk).update(outcomes=ordinal)


def _count(worker: Worker, outcomes: list[Outcome]) -> None:
    tally = Tally()
    ledger.settle(outcomes)
    tally.count(outcomes)
    tally.apply(worker.run_id)


def _lost(sent: Sent) -> Outcome:
    return Outcome(sent, error_kind="unknown", error="the worker ended before an answer was written down")


def _free_forgotten(at: datetime) -> int:
    """Items of this machine whose lease ended and whose spool is gone (it was deleted by hand, say)."""
    here = WorkItem.objects.filter(state=ItemState.LEASED, lease_host=house(spool_folder()), lease_until__lt=at)
    known = {path.stem for path in spool_folder().glob("*.lock")}
    return _free(here.exclude(lease_worker__in=known).values_list("pk", flat=True))


def _free_silent(at: datetime) -> int:
    silent = WorkItem.objects.filter(state=ItemState.LEASED, lease_until__lt=at - GRACE)
    for run_id, host in sorted(set(silent.values_list("run_id", "lease_host"))):
        note = f"{host.partition('/')[0]} fell silent; what it had in flight may be paid twice"
        Run.objects.filter(pk=run_id).update(note=note)
    return _free(silent.values_list("pk", flat=True))


def _free(keys: Iterable[int]) -> int:
    with transaction.atomic():
        return _come_back(list(keys))


def _come_back(keys: list[int]) -> int:
    """Items go back to be taken again; those whose workers died too often fail, with that as the reason."""
    leased = WorkItem.objects.filter(pk__in=keys, state=ItemState.LEASED)
    free = {"lease_until": None, "lease_token": "", "lease_worker": ""}
    poison = leased.filter(attempts__gte=FAILED_AFTER)
    failed = Counter(poison.values_list("run_id", flat=True))
    error = f"{FAILED_AFTER} workers ended while they were at this item, lately at nothing else; retry it when mended"
    poison.update(state=ItemState.FAILED, error_class=DIED, error=error, **free)
    freed = leased.update(state=ItemState.PENDING, **free)
    for run_id, count in sorted(failed.items()):
        Run.objects.filter(pk=run_id).update(items_failed=F("items_failed") + count)
    return freed
