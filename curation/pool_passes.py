"""Ask for a pass over the pool, carry it out, cancel it: its row says how far it is, and hears of the wish to end."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.actions import record
from accounts.models import Action, User
from curation.models import PoolPass

Item = TypeVar("Item")
Pass = TypeVar("Pass", bound=PoolPass)
TELL_EVERY_S = 1.0


class AtWork(ValueError):
    """Another pass of this kind goes on."""


class NotOpen(ValueError):
    """The pass has ended already."""


class Cancelled(Exception):
    """Someone asked the pass to end; what it wrote until then stands."""


def ask_for(model: type[Pass], **columns: Any) -> Pass:
    """Note that a pass is wanted. Raises AtWork while one of its kind goes on: two would do the same work."""
    passes = model._default_manager
    passes.give_up_silent()  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            return passes.create(**columns)
    except IntegrityError:
        raise AtWork("one is at work already; wait until it has ended, or cancel it") from None


def cancel(one: PoolPass, *, by: User) -> Action:
    """Ask a pass to end; one that nobody has begun ends at once."""
    with transaction.atomic():
        here = type(one)._default_manager.select_for_update().get(pk=one.pk)
        if not here.is_open or here.cancelled_at:
            raise NotOpen(f"{one} has ended, or was cancelled, meanwhile")
        here.cancelled_at = timezone.now()
        here.finished_at = None if here.told_at else here.cancelled_at
        here.save(update_fields=["cancelled_at", "finished_at"])
        return record(f"cancel {here}", [], by=by)


def carry_out(one: PoolPass, work: Callable[[], None]) -> None:
    """Do the work of a pass that nobody has begun; when it is cancelled or fails, its row says so.

    A doubled message finds it begun and changes nothing.
    """
    passes = type(one)._default_manager
    if not passes.begin(one.pk):  # type: ignore[attr-defined]
        return
    try:
        work()
    except Cancelled:
        passes.filter(pk=one.pk).update(finished_at=timezone.now())
    except BaseException as error:  # Ctrl-C too: the next one need not wait until this is thought dead
        passes.filter(pk=one.pk).update(error=str(error) or type(error).__name__)
        raise
    one.refresh_from_db()


def tell(one: PoolPass, doing: str, done: int, total: int | None, **columns: Any) -> None:
    """Write where a pass is. Raises Cancelled when someone asked it to end."""
    here = type(one)._default_manager.filter(pk=one.pk)
    here.update(doing=doing, done=done, total=total or 0, told_at=timezone.now(), **columns)
    if here.filter(cancelled_at__isnull=False).exists():
        raise Cancelled(f"{one} was cancelled; what it had written stands and can be undone")


def watched(
    one: PoolPass, items: Iterable[Item], *, total: int | None, what: str, clock: Callable[[], float] = time.monotonic
) -> Iterator[Item]:
    """The same items, while the row of the pass says how many are done; told once a second, and at first."""
    told_at = float("-inf")
    for done, item in enumerate(items):
        if (now := clock()) >= told_at + TELL_EVERY_S:
            told_at = now
            tell(one, what, done, total)
        yield item


def keep_action(one: PoolPass, action: Action) -> None:
    """Note under which action a pass writes, as soon as there is one, so that a part of it can be undone too."""
    one.action = action
    one.save(update_fields=["action"])
