"""Drop what an ended run no longer needs: the requests of its calls and the payloads of its done items.

Replies, scores and costs stay, so that stored replies can be read again by a better parser.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet, Sum, TextField
from django.db.models.functions import Cast, Length
from django.utils import timezone

from accounts.actions import record
from accounts.models import Action, Door, User
from runs.controlling import NotNow
from runs.models import Call, ItemState, Run, RunState, WorkItem

# A failed run may be retried: its failed items are then done anew, and they keep all they need.
ENDED = (RunState.DONE, RunState.CANCELLED, RunState.FAILED)
BLOCK = 500
# Whoever compacts shows itself with every block.
SILENT_AFTER = timedelta(minutes=1)
NO_WAY_BACK = "this cannot be undone"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Heap:
    """So many rows with something to drop, and how large that is (payloads: in characters)."""

    rows: int = 0
    bytes: int = 0

    def plus(self, other: "Heap") -> "Heap":
        return Heap(self.rows + other.rows, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Stored requests, and payloads of done items."""

    requests: Heap = Heap()
    payloads: Heap = Heap()

    @property
    def bytes(self) -> int:
        return self.requests.bytes + self.payloads.bytes

    def __str__(self) -> str:
        return (
            f"{self.requests.rows:,} requests ({self.requests.bytes:,} bytes) and "
            f"{self.payloads.rows:,} payloads ({self.payloads.bytes:,} bytes)"
        )


def is_being_compacted(run: Run) -> bool:
    """Somebody is at it, or will hear of it in a moment."""
    return run.compacting_at is not None and run.compacting_at > timezone.now() - SILENT_AFTER


def may_be_compacted(run: Run) -> bool:
    """It has ended, and went on after it was last compacted."""
    is_new = run.compacted_at is None or (run.finished_at is not None and run.finished_at > run.compacted_at)
    return run.state in ENDED and (is_new or run.compacting_at is not None) and not is_being_compacted(run)


def what_would_go(run: Run) -> Dropped:
    """About what compacting would drop: the rows are known, their sizes are those of some of them."""
    calls, items = _keys(run.paid_calls.all()), _keys(_done_items(run))
    return Dropped(
        _scaled(_size_of_requests(_requests(_some(calls))), calls),
        _scaled(_size_of_payloads(_payloads(_some(items))), items),
    )


def ask(run: Run, *, by: User | None, door: Door = Door.PAGE) -> Action:
    """Note that a run is to be compacted, and by whom; `compact` does it."""
    with transaction.atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        if now.state not in ENDED:
            raise NotNow(f"run {run.pk} is {now.get_state_display()}; a run is compacted when it has ended")
        Run.objects.filter(pk=run.pk).update(compacting_at=timezone.now())
        action = record("compact run", [], by=by, door=door, note=f"{run}; {NO_WAY_BACK}")
    run.refresh_from_db()
    return action


def forget(run: Run) -> None:
    """Nobody could be told to compact it: it may be asked for again at once."""
    Run.objects.filter(pk=run.pk).update(compacting_at=None)


def compact(run: Run, *, action: Action, progress: Progress = lambda done, total: None) -> Dropped:
    """Drop it block by block, each in its own transaction; killed, it is simply asked for and done again."""
    calls, items = _keys(run.paid_calls.all()), _keys(_done_items(run))
    requests, payloads, total = Heap(), Heap(), len(calls) + len(items)
    for done, block in _blocks(calls):
        requests = requests.plus(_drop_requests(run, block))
        progress(done, total)
    for done, block in _blocks(items):
        payloads = payloads.plus(_drop_payloads(run, block))
        progress(len(calls) + done, total)
    dropped = Dropped(requests, payloads)
    Run.objects.filter(pk=run.pk).update(compacting_at=None, compacted_at=timezone.now())
    Action.objects.filter(pk=action.pk).update(note=f"{run}: {dropped} dropped; {NO_WAY_BACK}")
    run.refresh_from_db()
    return dropped


def _drop_requests(run: Run, keys: Sequence[int]) -> Heap:
    with transaction.atomic():
        size = _size_of_requests(_requests(keys))
        _requests(keys).update(request=None)
        _count(run, size)
    return size


def _drop_payloads(run: Run, keys: Sequence[int]) -> Heap:
    with transaction.atomic():
        size = _size_of_payloads(_payloads(keys))
        _payloads(keys).update(payload={})
        _count(run, size)
    return size


def _count(run: Run, size: Heap) -> None:
    dropped = F("compacted_bytes") + size.bytes
    Run.objects.filter(pk=run.pk).update(compacted_bytes=dropped, compacting_at=timezone.now())


def _requests(keys: Sequence[int]) -> QuerySet[Call]:
    return Call.objects.filter(pk__in=keys, request__isnull=False).order_by()


def _payloads(keys: Sequence[int]) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(pk__in=keys, state=ItemState.DONE).exclude(payload={}).order_by()


def _done_items(run: Run) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(run=run, state=ItemState.DONE)


def _size_of_requests(calls: QuerySet[Call]) -> Heap:
    return Heap(**calls.aggregate(rows=Count("pk"), bytes=Sum(Length("request"), default=0)))


def _size_of_payloads(items: QuerySet[WorkItem]) -> Heap:
    length = Length(Cast("payload", TextField()))
    return Heap(**items.aggregate(rows=Count("pk"), bytes=Sum(length, default=0)))


def _keys(rows: QuerySet[Any]) -> "array[int]":
    """The keys of all rows; half a million of them take a few megabytes."""
    return array("q", rows.order_by().values_list("pk", flat=True).iterator(chunk_size=10_000))


def _blocks(keys: "array[int]") -> Iterator[tuple[int, list[int]]]:
    """Keys in blocks, each with how many have been given by then."""
    for start in range(0, len(keys), BLOCK):
        block = keys[start : start + BLOCK].tolist()
        yield start + len(block), block


def _some(keys: "array[int]") -> list[int]:
    """As many keys as one question holds, from all over."""
    return keys[:: max(1, -(-len(keys) // BLOCK))].tolist()


def _scaled(size: Heap, keys: "array[int]") -> Heap:
    looked_at = len(_some(keys)) or 1
    return Heap(round(size.rows * len(keys) / looked_at), round(size.bytes * len(keys) / looked_at))
