"""Take a source, or one file of it, out again with all that hangs on it: block by block, and on after a kill.

What was exported stays for the record and never leaves again; what was paid and what people did stays in the ledger and
among the actions.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from accounts.actions import record
from accounts.models import Door, User
from curation import pool_passes
from curation.duplicates.clusters import fit_sizes
from curation.holding import hold, is_held
from curation.inserting import take_turn
from curation.models import (
    ClusterMember,
    HeldByFiles,
    Problem,
    Query,
    Solution,
    Source,
    Upload,
    Vector,
    Verdict,
)
from dialogues.hanging import MOVING, Scope, counted, exported_versions
from dialogues.models import Dialogue, Review, Seed, State, Version, Withdrawal
from dialogues.obstacles import check_may_go, source_to_withdraw
from dialogues.rehoming import move_home, move_rows
from dialogues.withdrawal_words import in_words
from runs.controlling import leave_undone
from runs.models import ItemState, WorkItem

TASK = "dialogues.tasks.withdraw"
QUERIES, DIALOGUES, ROWS = 200, 25, 500
UNHEARD, UNCLAIMED = timedelta(seconds=30), timedelta(minutes=5)
NO_WAY_BACK = "this cannot be undone"

NAMES = {
    "curation.Query": "queries",
    "curation.Sighting": "sightings",
    "curation.Score": "scores",
    "curation.Verdict": "verdicts",
    "curation.ContaminationHit": "hits",
    "curation.Problem": "problems",
    "curation.Solution": "solutions",
    "curation.RejectedRecord": "rejected",
    "dialogues.Review": "reviews",
    "dialogues.Version": "versions",
}

Counted = Counter[str]
Step = tuple[QuerySet[Any], int, Callable[[Sequence[int]], Counted]]
Watch = Callable[[Withdrawal], None]


def ask(scope: Scope, *, by: User | None, door: Door = Door.PAGE) -> Withdrawal:
    """Note that it is to be withdrawn, and by whom; `carry_out` does it.

    From now on nothing is imported into it, and no run and no pass over the pool begins.
    """
    expected = counted(scope)
    with transaction.atomic():
        take_turn()  # whoever begins a run or a pass looks for withdrawals in its own turn
        source = source_to_withdraw(scope)
        pool_passes.give_up_silent()
        check_may_go(scope)
        Source.objects.filter(pk=source.pk).update(withdrawn_at=timezone.now())
        asked = Withdrawal.objects.create(
            source=source,
            batch=scope.batch,
            slug=source.slug,
            is_whole=scope.batch is None,
            file_name=scope.batch.file_name if scope.batch else "",
            expected=expected,
            handed_at=timezone.now(),
            by=by,
        )
        what = "import" if scope.batch else "source"
        record(f"withdraw {what}", [], by=by, door=door, note=f"{asked.what}: {in_words(expected)}; {NO_WAY_BACK}")
    return asked


def go_on(asked: Withdrawal) -> None:
    """Let a stopped withdrawal be carried on; one that a worker is at is left alone."""
    if is_held(lock_name(asked.pk)):
        return
    waits = {"state": Withdrawal.State.QUEUED, "error": "", "handed_at": timezone.now()}
    Withdrawal.objects.filter(pk=asked.pk, finished_at=None).update(**waits)


def not_handed_over(asked: Withdrawal, why: Exception) -> None:
    """Note that no worker will hear of it, so that its page lets it go on."""
    waiting = Withdrawal.objects.filter(pk=asked.pk, state=Withdrawal.State.QUEUED)
    waiting.update(state=Withdrawal.State.FAILED, error=str(why))


def carry_out(withdrawal_id: int, *, watch: Watch = lambda withdrawal: None) -> None:
    """Do it, or the rest of it. Doubled and late messages change nothing."""
    try:
        held = hold(lock_name(withdrawal_id))
    except BlockingIOError:  # another worker is at it
        return
    try:
        asked = Withdrawal.objects.select_related("source", "batch").get(pk=withdrawal_id)
        if asked.finished_at is None and asked.source is not None and (asked.is_whole or asked.batch is not None):
            _carry_out(asked, Scope(asked.source, asked.batch), watch)
    finally:
        held.release()


def _carry_out(asked: Withdrawal, scope: Scope, watch: Watch) -> None:
    asked.state, asked.error = Withdrawal.State.RUNNING, ""
    asked.save(update_fields=["state", "error"])
    try:
        for rows, size, remove in _steps(asked, scope):
            for block in _blocks(rows, size):
                with transaction.atomic():
                    take_turn()  # no import finds a query that is about to go
                    _note(asked, remove(block))
                watch(asked)
        _finish(asked, scope)
    except BaseException as failure:
        asked.state, asked.error = Withdrawal.State.FAILED, f"stopped by {type(failure).__name__}: {failure}"
        asked.save(update_fields=["state", "error"])
        raise


def _steps(asked: Withdrawal, scope: Scope) -> Iterator[Step]:
    """What goes, in this order; each is looked for when the one before it is gone."""
    # Items of cancelled runs, and those that failed: a cancel can be undone, what failed be tried again.
    unended = WorkItem.objects.filter(state__in=(ItemState.PENDING, ItemState.FAILED))
    yield unended, ROWS, partial(_leave_undone, f"{asked.what} was withdrawn, and this may hold texts of it")
    yield scope.dialogues().filter(state=State.APPROVED), ROWS, _hold_back
    yield scope.dialogues_concerned(), DIALOGUES, partial(_remove_dialogues, scope, exported_versions())
    yield scope.queries(), QUERIES, partial(_remove_queries, scope)
    yield scope.home(Problem), DIALOGUES, partial(_remove_rows, scope, Problem)
    yield scope.home(Solution), ROWS, partial(_remove_rows, scope, Solution)
    for model in MOVING:
        yield scope.repeats_of(model), ROWS, partial(_remove_links, scope, model)
    yield scope.sightings(), ROWS, lambda block: _delete(scope.sightings().filter(pk__in=block))
    yield scope.rejected(), ROWS, lambda block: _delete(scope.rejected().filter(pk__in=block))


def _note(asked: Withdrawal, counts: Counted) -> None:
    for name, n in counts.items():
        asked.gone[name] = asked.gone.get(name, 0) + n
    asked.save(update_fields=["gone"])


def _leave_undone(why: str, block: Sequence[int]) -> Counted:
    leave_undone(block, why=why)
    return Counter()


def _hold_back(block: Sequence[int]) -> Counted:
    """First of all: nothing of it leaves in an export any more."""
    after = {"state": State.WITHDRAWN, "approved_version": None, "claimed_by": None, "claimed_until": None}
    Dialogue.objects.filter(pk__in=block).update(version=F("version") + 1, changed_at=timezone.now(), **after)
    return Counter()


def _remove_dialogues(scope: Scope, left: set[int], block: Sequence[int]) -> Counted:
    """Those that another file holds move; of the others, those that left in an export stay without seeds and source."""
    moved = _move_rows(scope, Dialogue, block)
    block = [pk for pk in block if pk not in moved]
    versions = Version.objects.filter(dialogue__in=block).order_by().values_list("pk", "dialogue")
    kept = {dialogue for version, dialogue in versions if version in left}
    imported = scope.imported_dialogues().filter(pk__in=block).count()
    seeds = Seed.objects.filter(dialogue__in=block, query__isnull=False).values_list("query", flat=True)
    grown_from = list(seeds)
    _hold_back(block)
    Seed.objects.filter(dialogue__in=kept).delete()
    # Without its hash: the same file, imported again, brings the dialogue anew.
    Dialogue.objects.filter(pk__in=kept).update(source=None, batch=None, text_hash="")
    going = [pk for pk in block if pk not in kept]
    counts = [_delete(model.objects.filter(dialogue__in=going)) for model in (Review, Version)]
    counts.append(_delete(Dialogue.objects.filter(pk__in=going)))
    unused = Query.objects.filter(~Exists(Seed.objects.filter(query=OuterRef("pk"))), pk__in=grown_from)
    unused.update(used=False)
    first = Counter(imported=imported, grown=len(block) - imported, exported=len(kept), moving_dialogues=len(moved))
    return sum(counts, first)


def _remove_queries(scope: Scope, block: Sequence[int]) -> Counted:
    """Those that only this holds go, with what was said of them; the others move."""
    going = dict(scope.going().filter(pk__in=block).values_list("pk", "text_hash"))
    moved = move_home(set(block) - set(going), scope)
    duplicates = Query.objects.filter(duplicate_of__in=going)
    alone = list(duplicates.values_list("pk", flat=True))
    freed = len(alone) - scope.going().filter(pk__in=alone).count()
    Query.objects.filter(pk__in=alone).update(duplicate_of=None, duplicate_reason="")
    Vector.objects.filter(text_hash__in=going.values()).delete()
    clusters = set(ClusterMember.objects.filter(query__in=going).values_list("cluster", flat=True))
    gone = _delete(Verdict.objects.filter(query__in=going)) + _delete(Query.objects.filter(pk__in=going))
    fit_sizes(clusters)
    return gone + Counter(moving=moved, freed=freed)


def _remove_rows(scope: Scope, model: type[HeldByFiles], block: Sequence[int]) -> Counted:
    """Problems or solutions that another file holds move, the others go."""
    moved = _move_rows(scope, model, block)
    return _delete(model._default_manager.filter(pk__in=set(block) - moved)) + Counter({MOVING[model]: len(moved)})


def _move_rows(scope: Scope, model: type[HeldByFiles], block: Sequence[int]) -> set[int]:
    moving = set(scope.moving_of(model).filter(pk__in=block).values_list("pk", flat=True))
    move_rows(model, moving, scope)
    return moving


def _remove_links(scope: Scope, model: type[HeldByFiles], block: Sequence[int]) -> Counted:
    """That these files hold what is at home in others: nothing that anybody counts."""
    scope.repeats_of(model).filter(pk__in=block).delete()
    return Counter()


def _delete(rows: QuerySet[Any]) -> Counted:
    """Delete rows with what cascades from them; how many of each kind that were."""
    _, of_tables = rows.delete()
    return Counter({NAMES[table]: n for table, n in of_tables.items() if table in NAMES})


def _finish(asked: Withdrawal, scope: Scope) -> None:
    uploads = list(Upload.objects.filter(batch__in=scope.batches()))
    with transaction.atomic():
        _note(asked, Counter(batches=scope.batches().count()))
        scope.batches().delete()
        Withdrawal.objects.filter(pk=asked.pk).update(
            state=Withdrawal.State.DONE, source=None, batch=None, finished_at=timezone.now()
        )
        if scope.batch is None:
            scope.source.delete()
        else:
            Source.objects.filter(pk=scope.source.pk).update(withdrawn_at=None)
    for upload in uploads:
        upload.path.unlink(missing_ok=True)


def _blocks(rows: QuerySet[Any], size: int) -> Iterator[list[int]]:
    """The keys of all rows in blocks; half a million of them take a few megabytes."""
    keys = array("q", rows.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=10_000))
    for start in range(0, len(keys), size):
        yield keys[start : start + size].tolist()


def unheard_of() -> list[int]:
    """Withdrawals that no worker can know of: the message was lost, or its worker was killed."""
    now = timezone.now()
    waiting = Withdrawal.objects.filter(state=Withdrawal.State.QUEUED, handed_at__lt=now - UNCLAIMED)
    waiting |= Withdrawal.objects.filter(state=Withdrawal.State.RUNNING, handed_at__lt=now - UNHEARD)
    keys = [pk for pk in waiting.order_by("pk").values_list("pk", flat=True) if not is_held(lock_name(pk))]
    Withdrawal.objects.filter(pk__in=keys).update(handed_at=now)
    return keys


def lock_name(withdrawal_id: int) -> str:
    """The lock that the worker at a withdrawal holds."""
    return f"withdrawal-{withdrawal_id}"
