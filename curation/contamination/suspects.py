"""The queue of queries that may hold a benchmark's task: handed out one at a time, set aside or cleared by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.actions import CannotUndo, Change, record, standing_action, undo
from accounts.models import Action, ActionRow, Skip, User
from accounts.skipping import count_put_off, put_off, put_off_by
from curation.models import Contamination, Query
from curation.models.queries import QueryQuerySet
from web.claims import Stale

SET_ASIDE, CLEAR = "set aside query", "clear query"
VERBS = {Contamination.SET_ASIDE: SET_ASIDE, Contamination.CLEARED: CLEAR}


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision of a person that stands: which query, and what became of it."""

    query: Query
    action: Action
    fact: Contamination


def suspects_for(by: User, *, at: datetime) -> QueryQuerySet:
    """The queue as one person meets it: without what that person has put off."""
    return Query.objects.suspects().exclude(put_off_by(by, subject=Skip.Subject.SUSPECT, at=at))


def take(query_id: int, *, by: User, at: datetime) -> Query | None:
    """Hold one suspect by its id, or hold it longer; None when it is none, or another holds it."""
    return Query.objects.get(pk=query_id) if Query.objects.suspects().claim(query_id, by_id=by.pk, at=at) else None


def next_suspect(
    *, by: User, at: datetime, after: Query | None = None, only: Mapping[str, Any] | None = None
) -> Query | None:
    """Claim the next suspect, likeliest first; `after` starts behind a query, `only` narrows."""
    queue = suspects_for(by, at=at).filter(**(only or {}))
    if after is not None:
        queue = queue.filter(Q(suspicion=after.suspicion, pk__gt=after.pk) | Q(suspicion__lt=after.suspicion))
    return _claimed(queue, by=by, at=at)


def previous_suspect(*, by: User, at: datetime, before: Query, only: Mapping[str, Any] | None = None) -> Query | None:
    """Claim the suspect that stands before a query in the queue."""
    ahead = Q(suspicion=before.suspicion, pk__lt=before.pk) | Q(suspicion__gt=before.suspicion)
    queue = suspects_for(by, at=at).filter(ahead, **(only or {}))
    return _claimed(queue.order_by("suspicion", "-pk"), by=by, at=at)


def judge_suspect(query_id: int, fact: Contamination, *, version: int, by: User) -> Action:
    """Set a suspect aside or clear it. Raises Stale when version or claim no longer fit."""
    with transaction.atomic():
        query = Query.objects.select_for_update().get(pk=query_id)
        suspects = Query.objects.filter(contamination=Contamination.SUSPECT)
        if not suspects.decide(query.pk, version=version, by_id=by.pk, contamination=fact):
            raise Stale(query)
        change = Change(query, {"contamination": query.contamination}, {"contamination": fact.value})
        return record(VERBS[fact], [change], by=by)


def take_back(query_id: int, *, by: User) -> Action:
    """Undo what a person said of a query: it is a suspect again. Raises CannotUndo when it has changed since."""
    query = Query.objects.get(pk=query_id)
    verb = VERBS.get(Contamination(query.contamination))
    if verb is None:
        raise CannotUndo(f"query {query_id} is {query.get_contamination_display()}: nobody has judged it")
    return undo(standing_action(query, verb), by=by)


def skip(query: Query, *, by: User, at: datetime, until: datetime) -> Action:
    """Put a suspect off for one person and give it back to the others."""
    return put_off(Query.objects.all(), query.pk, subject=Skip.Subject.SUSPECT, by=by, at=at, until=until)


def count_skipped(by: User, *, at: datetime) -> int:
    """How many suspects that still wait this person has put off."""
    return count_put_off(Query.objects.suspects(), subject=Skip.Subject.SUSPECT, by=by, at=at)


def judged_by(by: User, *, most: int) -> Sequence[Judged]:
    """What a person decided here and still stands, the newest first."""
    newest = list(_judgements().filter(by=by).order_by("-pk")[:most])
    rows = dict(ActionRow.objects.filter(action__in=newest).values_list("action", "row_id"))
    queries = Query.objects.defer("response").in_bulk(rows.values())
    facts = {verb: fact for fact, verb in VERBS.items()}
    return [Judged(queries[rows[one.pk]], one, facts[one.verb]) for one in newest if rows.get(one.pk) in queries]


def last_judgement(query: Query) -> Action | None:
    """The standing action by which a person set this query aside or cleared it."""
    of_query = _judgements().filter(rows__table="curation.query", rows__row_id=query.pk)
    return of_query.select_related("by").order_by("-pk").first()


def cleared_at(query: Query) -> datetime | None:
    """When a person cleared this query; None when no action says so."""
    clearings = Action.objects.filter(verb__endswith=CLEAR, undone_by=None)
    of_query = clearings.filter(rows__table="curation.query", rows__row_id=query.pk)
    return of_query.order_by("-pk").values_list("at", flat=True).first()


def count_judged(*, by: User | None = None, since: datetime | None = None) -> int:
    """How many suspects people have judged: what is done of the queue."""
    judgements = _judgements()
    if by is not None:
        judgements = judgements.filter(by=by)
    return (judgements if since is None else judgements.filter(at__gte=since)).count()


def _judgements() -> QuerySet[Action]:
    return Action.objects.filter(verb__in=VERBS.values(), undone_by=None)


def _claimed(queue: QueryQuerySet, *, by: User, at: datetime) -> Query | None:
    pk = queue.claim_first(by_id=by.pk, at=at)
    return None if pk is None else Query.objects.get(pk=pk)
