"""Who works on which item: claimed with a lease, renewed while alive, freed when the holder is gone."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum

from runs.models import ItemState, Run, RunState, WorkItem, storable

Price = Callable[[WorkItem], Decimal]
HOST = socket.gethostname()[:128]
# A lease held by another machine may belong to a worker that only lost its network: it gets this long on top.
GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was taken; and when nothing was, whether the budget holds no further item, or none until others end."""

    items: list[WorkItem]
    over_budget: bool = False
    waiting: bool = False


def claim(run_id: int, count: int, *, at: datetime, price: Price, spent: Decimal = Decimal(0)) -> Claimed:
    """Take up to `count` pending items that the run's budget holds; `spent` is what this transaction adds to it.

    Call it last in a transaction: it locks the run, so that no claim slips past a pause and no two share a budget.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.state != RunState.RUNNING:
        return Claimed([])
    pending = WorkItem.objects.filter(run=run, state=ItemState.PENDING).order_by("pk")
    candidates = list(pending.select_for_update(skip_locked=True)[:count])
    if run.budget is None:
        return Claimed(_lease(candidates, at))
    held: Decimal = _leased(run).aggregate(sum=Sum("reserved"))["sum"] or Decimal(0)
    chosen = _affordable(candidates, run.budget - run.spent - spent - held, price)
    items = _lease(chosen, at)
    WorkItem.objects.bulk_update(items, ["reserved"])
    Run.objects.filter(pk=run_id).update(reserved=held + sum(item.reserved for item in items))
    others = _leased(run).exists()
    short = bool(candidates) and not items
    return Claimed(items, over_budget=short and not others, waiting=short and others)


def _affordable(candidates: list[WorkItem], left: Decimal, price: Price) -> list[WorkItem]:
    chosen = []
    for item in candidates:
        item.reserved = price(item)
        left -= item.reserved
        if left < 0:
            break
        chosen.append(item)
    return chosen


def _lease(items: list[WorkItem], at: datetime) -> list[WorkItem]:
    token, until = uuid4().hex, _until(at)
    WorkItem.objects.filter(pk__in=[item.pk for item in items]).update(
        state=ItemState.LEASED,
        attempts=F("attempts") + 1,
        lease_host=HOST,
        lease_process=os.getpid(),
        lease_until=until,
        lease_token=token,
    )
    for item in items:
        item.state, item.lease_token, item.lease_until = ItemState.LEASED, token, until
    return items


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
    columns = {"lease_until": None, "lease_token": "", "error_class": error_class[:64], "error": storable(error, 4000)}
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


def _leased(run: Run) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(run=run, state=ItemState.LEASED)


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
