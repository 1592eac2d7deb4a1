"""Who works on which item: claimed with a lease, renewed while alive, freed when the holder is gone."""

import os
import socket
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db.models import F, Q, QuerySet

from runs.models import ItemState, Run, WorkItem

HOST = socket.gethostname()[:128]
# A lease held by another machine may belong to a worker that only lost its network: it gets this long on top.
GRACE = timedelta(minutes=5)


def claim(run: Run, count: int, *, at: datetime) -> list[WorkItem]:
    """Take up to `count` pending items of a run; call it inside a transaction."""
    pending = WorkItem.objects.filter(run=run, state=ItemState.PENDING).order_by("pk")
    ids = list(pending.select_for_update(skip_locked=True).values_list("pk", flat=True)[:count])
    token = uuid4().hex
    WorkItem.objects.filter(pk__in=ids, state=ItemState.PENDING).update(
        state=ItemState.LEASED,
        attempts=F("attempts") + 1,
        lease_host=HOST,
        lease_process=os.getpid(),
        lease_until=_until(at),
        lease_token=token,
    )
    return list(WorkItem.objects.filter(pk__in=ids, lease_token=token).order_by("pk"))


def renew(items: list[WorkItem], *, at: datetime) -> None:
    """A sign of life for items still in work."""
    for start in range(0, len(items), 500):
        block = items[start : start + 500]
        held = WorkItem.objects.filter(pk__in=[item.pk for item in block], state=ItemState.LEASED)
        held.filter(lease_token__in={item.lease_token for item in block}).update(lease_until=_until(at))


def release(item: WorkItem) -> int:
    """Give an unfinished item back, to be taken again; 0 when the lease was lost meanwhile."""
    return _held(item).update(
        state=ItemState.PENDING, attempts=F("attempts") - 1, lease_until=None, lease_token="", lease_process=None
    )


def finish(item: WorkItem, state: ItemState, *, error_class: str = "", error: str = "") -> bool:
    """End an item; False when the lease was lost and someone else answers for it."""
    columns = {"lease_until": None, "lease_token": "", "error_class": error_class[:64], "error": error[:4000]}
    return _held(item).update(state=state, **columns) == 1


def free_dead(*, at: datetime, run: Run | None = None) -> int:
    """Give back items whose holder is gone: on this host the process has ended, elsewhere the lease ran out."""
    leased = WorkItem.objects.filter(state=ItemState.LEASED)
    if run is not None:
        leased = leased.filter(run=run)
    here = leased.filter(lease_host=HOST).values_list("lease_process", flat=True).distinct()
    dead = [process for process in here if process is not None and not _alive(process)]
    gone = Q(lease_host=HOST) & (Q(lease_process__in=dead) | Q(lease_until__lt=at))
    elsewhere = ~Q(lease_host=HOST) & Q(lease_until__lt=at - GRACE)
    return leased.filter(gone | elsewhere).update(
        state=ItemState.PENDING, lease_until=None, lease_token="", lease_process=None
    )


def _held(item: WorkItem) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(pk=item.pk, state=ItemState.LEASED, lease_token=item.lease_token)


def _until(at: datetime) -> datetime:
    return at + timedelta(seconds=settings.RUN_LEASE_SECONDS)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, under another user
        return True
    return True
