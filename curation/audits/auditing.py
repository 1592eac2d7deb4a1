"""The audit of queries: hand them out one at a time, take verdicts, and decide many at once."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.actions import CannotUndo, Change, record, standing_action, undo
from accounts.models import Action, Door, Skip, User
from accounts.skipping import count_put_off, put_off, put_off_by
from curation.audits.drawing import stratum_of
from curation.audits.majority import is_tie, majority
from curation.models import Decision, Query, RatingCount, Verdict
from curation.models.queries import SAMPLES_FROM, VERDICT, QueryQuerySet
from web.claims import Stale
from web.kept_counts import total

GIVE_VERDICT = "give verdict"
# How a queue is narrowed: columns with the value they must have; under CELL the patterns of a cell of the matrix.
Only = Mapping[str, Any]
EVERYTHING: Only = {}
EVERY_QUERY = Q()
CELL = "ratings__in"
# The same columns of the counts that the database keeps.
COUNTED_BY = {"origin": "source", "written_in": "language", CELL: CELL}
# Behind a sample, before every dispute.
ASKED_PLACE = SAMPLES_FROM - 1
BLOCK = 500  # rows per statement: well under SQLite's limit on parameters


def disputes_for(by: User, *, at: datetime, only: Only = EVERYTHING) -> QueryQuerySet:
    """The audit queue, or that of a cell, as one person meets it: without what that person has judged or put off."""
    return _narrowed(only).exclude(Exists(_verdicts_of(by))).exclude(put_off_by(by, subject=Skip.Subject.QUERY, at=at))


def count_waiting(by: User, *, at: datetime, only: Only = EVERYTHING, within: Q = EVERY_QUERY) -> int:
    """How long that queue is, or a part of it: all less the few that this person has judged or put off.

    To ask of each query whether it is one of those would cost more than the count.
    """
    queue = _narrowed(only).filter(within).order_by()
    whole = total(waiting_cells(only)) if within == EVERY_QUERY else queue.count()
    judged = Verdict.objects.filter(by=by, withdrawn=False).order_by().values("query")
    put_off = Skip.objects.filter(by=by, subject=Skip.Subject.QUERY, until__gt=at).order_by().values("subject_id")
    return whole - queue.filter(pk__in=judged.union(put_off)).count()


def waiting_cells(only: Only = EVERYTHING) -> QuerySet[RatingCount]:
    """The same queue, whoever looks at it, as the database has counted it."""
    return _cells(only).filter(judged=False)


def count_judged(only: Only = EVERYTHING) -> int:
    """How many queries of the queue, or of a cell, people have judged as often as was wanted."""
    return total(_cells(only).filter(judged=True))


def _cells(only: Only) -> QuerySet[RatingCount]:
    cells = RatingCount.objects.filter(**{COUNTED_BY[column]: value for column, value in only.items()})
    return cells if CELL in only else cells.filter(queued=True)


def count_held_by_others(by: User, *, at: datetime, only: Only = EVERYTHING) -> int:
    """How many queries of the queue others have open."""
    held = Query.objects.filter(claimed_until__gt=at).exclude(claimed_by=by)
    return _narrowed(only).order_by().filter(pk__in=held.order_by().values("pk")).count()


def take(query_id: int, *, by: User, at: datetime) -> Query | None:
    """Hold one query by its id, or hold it longer; None when this person has judged it, or another holds it."""
    open_to_them = Query.objects.open_to_audit().exclude(Exists(_verdicts_of(by)))
    return Query.objects.get(pk=query_id) if open_to_them.claim(query_id, by_id=by.pk, at=at) else None


def next_dispute(*, by: User, at: datetime, after: Query | None = None, only: Only = EVERYTHING) -> Query | None:
    """Claim the next query for one person, riskiest first; `after` starts behind a query, `only` narrows."""
    queue = disputes_for(by, at=at, only=only)
    if after is not None:
        queue = queue.filter(_beyond(after, only))
    return _claimed(queue, by=by, at=at)


def previous_dispute(*, by: User, at: datetime, before: Query, only: Only = EVERYTHING) -> Query | None:
    """Claim the query that stands before another in the queue."""
    queue = disputes_for(by, at=at, only=only).filter(ahead_of(before, only))
    return _claimed(queue.reverse(), by=by, at=at)


def ahead_of(query: Query, only: Only) -> Q:
    """What stands before a query in the queue, or in that of a cell."""
    if CELL in only:
        return Q(ratings__lt=query.ratings) | Q(ratings=query.ratings, pk__lt=query.pk)
    if query.audit_order is None:
        return Q()
    return Q(audit_order=query.audit_order, pk__lt=query.pk) | Q(audit_order__gt=query.audit_order)


def _beyond(query: Query, only: Only) -> Q:
    if CELL in only:
        return Q(ratings__gt=query.ratings) | Q(ratings=query.ratings, pk__gt=query.pk)
    if query.audit_order is None:  # it has left the queue, or was never in it
        return Q()
    return Q(audit_order=query.audit_order, pk__gt=query.pk) | Q(audit_order__lt=query.audit_order)


def _narrowed(only: Only) -> QueryQuerySet:
    columns = {name: value for name, value in only.items() if name != CELL}
    if CELL not in only:
        return Query.objects.awaiting_audit().filter(**columns)
    return Query.objects.awaiting_audit_in(only[CELL]).filter(**columns)


def _verdicts_of(by: User) -> QuerySet[Verdict]:
    return Verdict.objects.filter(query=OuterRef("pk"), by=by, withdrawn=False)


def _claimed(queue: QueryQuerySet, *, by: User, at: datetime) -> Query | None:
    pk = queue.claim_first(by_id=by.pk, at=at)
    return None if pk is None else Query.objects.get(pk=pk)


def give_verdict(
    query_id: int,
    *,
    version: int,
    value: int,
    keep: bool,
    who_was_right: str,
    note: str,
    seconds: float,
    by: User,
    at: datetime,
    blind: bool = True,
) -> Verdict:
    """Write one person's verdict and decide the query by the majority of all; a tie asks a further person.

    `blind` is false where the way to the query told its scores. Raises Stale when version or claim no longer fit.
    """
    with transaction.atomic():
        query = Query.objects.select_for_update().get(pk=query_id)
        seen_before = query.verdicts.filter(by=by).exists()
        votes = [*query.verdicts.filter(withdrawn=False).order_by("pk").values_list("keep", flat=True), keep]
        after = {
            "decision": Decision.KEEP if majority(votes) else Decision.DROP,
            "decision_rule": VERDICT,
            "decision_version": query.decision_version + 1,
            "decided_at": at,
            "reviews_given": query.reviews_given + 1,
            "reviews_wanted": max(query.reviews_wanted, query.reviews_given + 1 + is_tie(votes)),
        }
        stratum = stratum_of(query.pk)
        if not Query.objects.open_to_audit().decide(query.pk, version=version, by_id=by.pk, **after):
            raise Stale(query)
        verdict = Verdict.objects.create(
            query=query,
            by=by,
            value=value,
            keep=keep,
            who_was_right=who_was_right,
            note=note,
            seconds=seconds,
            blind=blind and not seen_before,
            stratum="" if stratum is None else str(stratum),
            weight=1.0 if stratum is None else stratum.weight,
        )
        given = Change(verdict, before={"withdrawn": True}, after={"withdrawn": False})
        record(GIVE_VERDICT, [_change(query, after), given], by=by, note=note)
    return verdict


def ask_again(ids: Iterable[int], *, by: User | None, door: Door, note: str = "") -> Action:
    """Serve judged queries to one person more each, who does not see what the others said."""
    changes: list[Change] = []
    with transaction.atomic():
        for block in _blocks(ids):
            judged = Query.objects.filter(pk__in=block, reviews_given__gte=F("reviews_wanted"), reviews_given__gt=0)
            rows = list(judged.select_for_update())
            changes += [_change(one, _asked_again(one)) for one in rows]
            # Judged by way of a cell, it was in nobody's queue.
            outside = [one.pk for one in rows if one.audit_order is None]
            Query.objects.filter(pk__in=outside).update(audit_place=ASKED_PLACE)
            again = Query.objects.filter(pk__in=[one.pk for one in rows])
            again.update(version=F("version") + 1, reviews_wanted=F("reviews_given") + 1)
        return record("ask for a second verdict", changes, by=by, door=door, note=note)


def _asked_again(query: Query) -> dict[str, Any]:
    place = ASKED_PLACE if query.audit_order is None else query.audit_place
    return {"reviews_wanted": query.reviews_given + 1, "audit_place": place}


def withdraw_verdict(query_id: int, *, by: User) -> Action:
    """Undo one's own verdict: the query stands as before it. Raises CannotUndo when it was decided again since."""
    standing = Verdict.objects.filter(query=query_id, by=by, withdrawn=False).first()
    if standing is None:
        raise CannotUndo(f"{by} has no standing verdict on query {query_id}")
    return undo(standing_action(standing, GIVE_VERDICT), by=by)


def skip(query: Query, *, by: User, at: datetime, until: datetime) -> Action:
    """Put a dispute off for one person and give it back to the others."""
    return put_off(Query.objects.all(), query.pk, subject=Skip.Subject.QUERY, by=by, at=at, until=until)


def count_skipped(by: User, *, at: datetime) -> int:
    """How many queries that still want this person's verdict were put off, in the queue or in that of a cell."""
    waiting = Query.objects.in_play().wanting().exclude(Exists(_verdicts_of(by)))
    return count_put_off(waiting, subject=Skip.Subject.QUERY, by=by, at=at)


def keep_many(ids: Iterable[int], *, by: User | None, door: Door, note: str = "") -> Action:
    """Keep queries by a person's word, whoever holds them."""
    return _decide_many("keep queries", ids, Decision.KEEP, by=by, door=door, note=note)


def drop_many(ids: Iterable[int], *, by: User | None, door: Door, note: str = "") -> Action:
    """Drop queries by a person's word, whoever holds them."""
    return _decide_many("drop queries", ids, Decision.DROP, by=by, door=door, note=note)


def reopen_many(ids: Iterable[int], *, by: User | None, door: Door, note: str = "") -> Action:
    """Take decisions back: the queries are undecided, their verdicts withdrawn, the disputed ones queued again."""
    changes: list[Change] = []
    with transaction.atomic():
        for block in _blocks(ids):
            decided = Query.objects.filter(pk__in=block).exclude(decision=Decision.NONE, reviews_given=0)
            after = {"decision": Decision.NONE, "decision_rule": "", "reviews_given": 0}
            changes += [_change(query, after) for query in decided.select_for_update()]
            decided.update(version=F("version") + 1, **after)
            standing = Verdict.objects.filter(query__in=block, withdrawn=False)
            changes += [Change(verdict, before={"withdrawn": False}, after={"withdrawn": True}) for verdict in standing]
            standing.update(withdrawn=True)
        return record("reopen queries", changes, by=by, door=door, note=note)


def _decide_many(
    verb: str, ids: Iterable[int], decision: Decision, *, by: User | None, door: Door, note: str
) -> Action:
    """A word on many at once needs no further audit, so it also ends their wait in the queue."""
    word = {"decision": decision, "decision_rule": VERDICT}
    at = timezone.now()
    changes: list[Change] = []
    with transaction.atomic():
        for block in _blocks(ids):
            others = Query.objects.filter(pk__in=block).exclude(**word, reviews_given__gte=F("reviews_wanted"))
            changes += [
                _change(query, word | {"decided_at": at, "reviews_given": query.reviews_wanted})
                for query in others.select_for_update()
            ]
            others.update(
                version=F("version") + 1,
                decision_version=F("decision_version") + 1,
                reviews_given=F("reviews_wanted"),
                decided_at=at,
                **word,
            )
        return record(verb, changes, by=by, door=door, note=note)


def _blocks(ids: Iterable[int]) -> Iterable[list[int]]:
    wanted = sorted(set(ids))
    return (wanted[start : start + BLOCK] for start in range(0, len(wanted), BLOCK))


def _change(query: Query, after: dict[str, Any]) -> Change:
    """The columns that differ, as they were and as they will be."""
    before = {name: getattr(query, name) for name in after}
    changed = [name for name in after if before[name] != after[name]]
    return Change(query, before={name: before[name] for name in changed}, after={name: after[name] for name in changed})
