"""Ask for a pass over the pool, carry it out, cancel it: its row says how far it is, and hears of the wish to end."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.actions import record
from accounts.models import Action, User
from curation.going_out import going_out
from curation.models import ContaminationPass, DuplicatePass, LanguagePass, PoolPass, RulePass
from curation.passes import Progress

Item = TypeVar("Item")
Pass = TypeVar("Pass", bound=PoolPass)
Came = TypeVar("Came")
TELL_EVERY_S = 1.0
# Beside what the work tells: some steps are silent for minutes, such as a comparison that is one call.
BEAT_EVERY_S = 5.0
TOLD_TO_END = 128 + signal.SIGTERM

KINDS: dict[type[PoolPass], str] = {
    DuplicatePass: "a search for duplicates is at work; cancel it, or wait until it has ended",
    ContaminationPass: "a check of contamination is at work; cancel it, or wait until it has ended",
    LanguagePass: "a search for languages is at work; cancel it, or wait until it has ended",
    RulePass: "a decision by a rule is at work; wait until it has ended",
}

logger = logging.getLogger(__name__)


class AtWork(ValueError):
    """Another pass of this kind goes on, or queries are just being taken out."""


class NotOpen(ValueError):
    """The pass has ended already."""


class Cancelled(Exception):
    """Someone asked the pass to end, or thought it dead; what it wrote until then stands."""


def ask_for(model: type[Pass], **columns: Any) -> Pass:
    """Note that a pass is wanted. Raises AtWork while one of its kind goes on: two would do the same work."""
    passes = model._default_manager
    passes.give_up_silent()  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            if withdrawal := going_out():
                raise AtWork(withdrawal)
            return passes.create(**columns)
    except IntegrityError:
        raise AtWork(f"one is at work already{_heard(passes.first())}; wait until it has ended") from None


def at_work() -> str:
    """Which sort of pass goes on or is about to begin, and what can be done; empty when none does."""
    return next((said for model, said in KINDS.items() if model._default_manager.at_work().exists()), "")  # type: ignore[attr-defined]


def give_up_silent() -> None:
    """End all passes that were not heard of any more: a late message begins none of them."""
    for model in KINDS:
        model._default_manager.give_up_silent()  # type: ignore[attr-defined]


def not_handed_over(one: PoolPass, why: Exception) -> None:
    """End a pass of which no worker will hear, so that the next one can be asked for at once."""
    type(one)._default_manager.filter(pk=one.pk, told_at=None).update(error=str(why))


def _heard(one: PoolPass | None) -> str:
    if one is None or one.told_at is None:
        return ""
    return f" (heard of {(timezone.now() - one.told_at).seconds} s ago)"


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


def carry_out(one: PoolPass, work: Callable[[], Came]) -> Came | None:
    """What came of a pass that nobody has begun; when it is cancelled or fails, its row says so.

    A doubled message finds it begun and changes nothing.
    """
    passes = type(one)._default_manager
    if not passes.begin(one.pk):  # type: ignore[attr-defined]
        return None
    came = None
    try:
        with _beating(one), _ended_by_request():
            came = work()
    except Cancelled:
        passes.filter(pk=one.pk).update(finished_at=timezone.now())
    except (SystemExit, KeyboardInterrupt):  # the next one need not wait until this is thought dead
        passes.filter(pk=one.pk).update(error="it was told to end; what it had written stands")
        raise
    except BaseException as error:
        passes.filter(pk=one.pk).update(error=str(error) or type(error).__name__)
        raise
    one.refresh_from_db()
    return came


@contextmanager
def _beating(one: PoolPass) -> Iterator[None]:
    """Signs of life while the work goes on, from a thread with a connection of its own."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(one, ended), name=f"beat of {one}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(one: PoolPass, ended: threading.Event) -> None:
    while not ended.wait(BEAT_EVERY_S):
        try:
            type(one)._default_manager.beat(one.pk)  # type: ignore[attr-defined]
        except OperationalError as error:  # the next beat is soon enough
            logger.warning("%s gave no sign of life: %s", one, error)
        finally:
            connection.close()


@contextmanager
def _ended_by_request() -> Iterator[None]:
    """SIGTERM ends the work where it is, by an exception, so that its row can say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TOLD_TO_END))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def tell(one: PoolPass, doing: str, done: int, total: int | None, **columns: Any) -> None:
    """Write where a pass is. Raises Cancelled when someone asked it to end, or another began in its place."""
    here = type(one)._default_manager.filter(pk=one.pk)
    if not here.filter(error="").update(doing=doing, done=done, total=total or 0, told_at=timezone.now(), **columns):
        raise Cancelled(f"{one} was thought dead; what it had written stands and can be undone")
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


def told(one: PoolPass, progress: Progress) -> Progress:
    """Both say how far the pass is: its row, and whatever shows the progress to who waits for it."""

    def both(items: Iterable[Any], *, total: int | None, what: str) -> Iterable[Any]:
        return progress(watched(one, items, total=total, what=what), total=total, what=what)

    return both


def keep_action(one: PoolPass, action: Action) -> None:
    """Note under which action a pass writes, as soon as there is one, so that a part of it can be undone too."""
    one.action = action
    one.save(update_fields=["action"])
