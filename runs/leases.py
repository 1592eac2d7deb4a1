"""Who works on which item: claimed with a lease, renewed while alive, given back or ended by its holder alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.db.models import F, QuerySet, Sum

from runs.models import ItemState, Run, RunState, Worker, WorkItem, storable
from runs.workers import SUSPECT_AFTER

Price = Callable[[WorkItem], Decimal]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was taken; and when nothing was, the budget that holds no further item, or that none is free until others
    end."""

    items: list[WorkItem]
    over_budget: Decimal | None = None
    waiting: bool = False


def claim(
    worker: Worker, count: int, *, at: datetime, price: Price, spent: Decimal = Decimal(0), alone: bool = True
) -> Claimed:
    """Take up to `count` pending items that the run's budget holds; `spent` is what this transaction adds to it.

    Items whose workers died several times come last and are taken one by one, by a worker that has nothing else in
    hand (`alone`). Call it last in a transaction: it locks the run, so that no claim slips past a pause and no two
    share a budget.
    """
    run = Run.objects.select_for_update().get(pk=worker.run_id)
    if run.state != RunState.RUNNING:
        return Claimed([])
    pending = WorkItem.objects.filter(run=run, state=ItemState.PENDING).order_by("attempts", "pk")
    candidates = list(pending.select_for_update(skip_locked=True)[:count])
    if candidates and candidates[0].attempts >= SUSPECT_AFTER:
        candidates = candidates[:1] if alone else []
        if not alone:
            return Claimed([], waiting=True)
    candidates = [item for item in candidates if item.attempts < SUSPECT_AFTER] or candidates
    if run.budget is None:
        return Claimed(_lease(worker, candidates, at))
    held: Decimal = _leased(run).aggregate(sum=Sum("reserved"))["sum"] or Decimal(0)
    paid = run.spent + spent
    chosen = [] if 0 < paid >= run.budget else _affordable(candidates, run.budget - paid - held, price)
    items = _lease(worker, chosen, at)
    WorkItem.objects.bulk_update(items, ["reserved"])
    Run.objects.filter(pk=run.pk).update(reserved=held + sum(item.reserved for item in items))
    others = _leased(run).exists()
    short = bool(candidates) and not items
    return Claimed(items, over_budget=run.budget if short and not others else None, waiting=short and others)


def _affordable(candidates: list[WorkItem], left: Decimal, price: Price) -> list[WorkItem]:
    chosen = []
    for item in candidates:
        item.reserved = price(item)
        left -= item.reserved
        if left < 0:
            break
        chosen.append(item)
    return chosen


def _lease(worker: Worker, items: list[WorkItem], at: datetime) -> list[WorkItem]:
    token, until = uuid4().hex, _until(at)
    WorkItem.objects.filter(pk__in=[item.pk for item in items]).update(
        state=ItemState.LEASED,
        attempts=F("attempts") + 1,
        lease_worker=worker.name,
        lease_host=worker.host,
        lease_until=until,
        lease_token=token,
    )
    for item in items:
        item.state, item.attempts = ItemState.LEASED, item.attempts + 1
        item.lease_token, item.lease_until = token, until
    return items


def renew(items: Sequence[WorkItem], *, at: datetime) -> None:
    """A sign of life for items still in work."""
    for start in range(0, len(items), 500):
        held = still_held(items[start : start + 500])
        WorkItem.objects.filter(pk__in=held).update(lease_until=_until(at))


def release(items: Sequence[WorkItem]) -> int:
    """Give unfinished items back, to be taken again as if nobody had; how many of them were still ours."""
    return WorkItem.objects.filter(pk__in=still_held(items)).update(
        state=ItemState.PENDING, attempts=F("attempts") - 1, lease_until=None, lease_token="", lease_worker=""
    )


def finish(item: WorkItem, state: ItemState, *, error_class: str = "", error: str = "") -> bool:
    """End an item; False when the lease was lost and someone else answers for it."""
    columns = {"error_class": error_class[:64], "error": storable(error, 4000)}
    return bool(_end(still_held([item]), state, **columns))


def finish_all(items: Sequence[WorkItem]) -> set[int]:
    """Mark items as done; the keys of those whose lease was still ours, whose outcomes may be written."""
    held = still_held(items)
    _end(held, ItemState.DONE, error_class="", error="")
    return held


def still_held(items: Sequence[WorkItem]) -> set[int]:
    """The keys of the items whose lease is still ours; their rows are locked for this transaction."""
    tokens = {item.pk: item.lease_token for item in items}
    rows = WorkItem.objects.select_for_update().filter(pk__in=list(tokens), state=ItemState.LEASED)
    held = rows.order_by("pk").values_list("pk", "lease_token")
    return {pk for pk, token in held if tokens[pk] == token}


def _end(keys: set[int], state: ItemState, **columns: str) -> int:
    ended = WorkItem.objects.filter(pk__in=keys)
    return ended.update(state=state, lease_until=None, lease_token="", **columns)


def _leased(run: Run) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(run=run, state=ItemState.LEASED)


def _until(at: datetime) -> datetime:
    return at + timedelta(seconds=settings.RUN_LEASE_SECONDS)
