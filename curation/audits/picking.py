"""Give queries that are no disputes a place in the audit queue; controls, which agree, are mixed in among disputes."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.audits.sampling import controls_wanted, draw
from curation.models import Query, Scoring, Stage, Verdict
from curation.models.queries import SAMPLES_FROM, VERDICT

CONTROLS = 0.05  # of the queue
BLOCK = 100  # rows of a transaction: each has a place of its own to write
_PLACED = ("audit_place", "reviews_wanted")


@dataclass(frozen=True, slots=True)
class Picked:
    """The place of one query in the queue, and whether two people are to judge it."""

    place: int
    is_double: bool = False


def mix_controls(*, by: User | None, door: Door, rng: random.Random, share: float = CONTROLS) -> Action | None:
    """Put agreeing queries among the disputes until they are that share of the queue; None when they are already.

    Each stands beside a dispute chosen at random, so that nothing but its scores tells it from one.
    """
    waiting = Query.objects.awaiting_audit().filter(audit_order__lt=SAMPLES_FROM).order_by()
    places = list(waiting.filter(disputed=True, audit_place=None).values_list("audit_order", flat=True))
    lacking = controls_wanted(len(places), share) - waiting.filter(disputed=False).count()
    if lacking <= 0:
        return None
    agreeing = Query.objects.filter(stage__in=[Stage.KEPT, Stage.DROPPED], disputed=False, scoring=Scoring.READABLE)
    unseen = agreeing.filter(audit_place=None, reviews_given=0).exclude(decision_rule=VERDICT)
    candidates = list(unseen.order_by("pk").values_list("pk", flat=True))
    chosen = draw(candidates, min(lacking, len(candidates)), rng)
    action = None
    for block in blocks(chosen):
        picked = {pk: Picked(rng.choice(places)) for pk in block}
        with transaction.atomic():
            changes = place(picked)
            if action is None:
                action = record("mix in controls", changes, by=by, door=door)
            else:
                extend(action, changes)
    return action


def place(picked: Mapping[int, Picked | None]) -> list[Change]:
    """Write each query's place and see to it that it wants a verdict where it has none; None takes its place away.

    For one block, inside a transaction.
    """
    judged = set(Verdict.objects.filter(query__in=picked, withdrawn=False).values_list("query", flat=True))
    queries = Query.objects.filter(pk__in=picked).only(*_PLACED, "reviews_given").order_by("pk").select_for_update()
    after = {query: _columns(query, picked[query.pk], is_judged=query.pk in judged) for query in queries}
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {Query._meta.db_table} SET audit_place = %s, reviews_wanted = %s WHERE id = %s",  # noqa: S608
            [(*columns.values(), query.pk) for query, columns in after.items()],
        )
    changes = (_changed(query, columns) for query, columns in after.items())
    return [change for change in changes if change.after]


def _columns(query: Query, picked: Picked | None, *, is_judged: bool) -> dict[str, int | None]:
    if picked is None:
        return {"audit_place": None, "reviews_wanted": query.reviews_wanted}
    wanted = query.reviews_given + (not is_judged) + picked.is_double
    return {"audit_place": picked.place, "reviews_wanted": max(query.reviews_wanted, wanted)}


def _changed(query: Query, after: Mapping[str, int | None]) -> Change:
    changed = {name: value for name, value in after.items() if getattr(query, name) != value}
    return Change(query, {name: getattr(query, name) for name in changed}, changed)


def blocks(keys: Sequence[int], size: int = BLOCK) -> Iterable[Sequence[int]]:
    """The keys in blocks, each of which makes one short transaction."""
    return (keys[start : start + size] for start in range(0, len(keys), size))
