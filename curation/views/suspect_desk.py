"""What the desk of suspects shows: the two texts with what they share, the rail, the place in the queue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Q, When
from django.utils import timezone

from accounts.models import User
from curation.contamination import suspects
from curation.contamination.overlaps import words_of
from curation.models import ContaminationHit, Opinion, Query, Tier
from runs.scripted import scripted_models
from web.counts import counts_by, kept_for_a_while
from web.desk import Choice, Place, choices_of
from web.likenesses import Stretch, shared_stretches

FILTERS = {"source": "source__slug"}
DECISIONS_SHOWN = 10
# Tiers whose match stands in the answer: there the answer is shown beside the solution.
OF_ANSWER = (Tier.NGRAM_ANSWER, Tier.EXECUTION)
TASKS_SHOWN = 12
# A task that a model calls the same stands before those that lie nearer.
SAME_FIRST = Case(When(opinion=Opinion.SAME, then=0), default=1)


@dataclass(frozen=True, slots=True)
class Rail:
    """The left side: how the queue stands, how it may be narrowed, and what this person decided last."""

    held_by_others: int
    put_off: int
    today: int
    filters: Sequence[tuple[str, Sequence[Choice]]]
    decisions: Sequence[suspects.Judged]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two texts."""

    heading: str
    pieces: Sequence[Stretch]


@dataclass(frozen=True, slots=True)
class Near:
    """One of the tasks that the query lies near: why, and where it is shown beside the query."""

    hit: ContaminationHit
    address: str
    is_shown: bool
    key: str


def compared(query: Query, chosen: str, address_of: Callable[[ContaminationHit], str]) -> dict[str, Any]:
    """The chosen hit, else the likeliest, with both texts side by side; and all that it lies near."""
    hits = list(
        query.contamination_hits.filter(task__benchmark__withdrawn=False)
        .select_related("task__benchmark", "opinion_call")
        .defer("opinion_call__request", "opinion_call__response")
        .order_by(SAME_FIRST, "-score", "pk")
    )
    place = next((place for place, hit in enumerate(hits) if str(hit.pk) == chosen), 0)
    keys = {place + 1: "down", place - 1: "up"}
    return {
        "hit": hits[place] if hits else None,
        "sides": _sides(query, hits[place]) if hits else [],
        "near": [
            Near(hit, address_of(hit), is_shown=here == place, key=keys.get(here, ""))
            for here, hit in enumerate(hits[:TASKS_SHOWN])
        ],
        "further": len(hits[TASKS_SHOWN:]),
        "scripted": scripted_models() if any(hit.opinion for hit in hits) else set(),
    }


def _sides(query: Query, hit: ContaminationHit) -> list[Side]:
    task = hit.task
    in_answer = hit.tier in OF_ANSWER or (hit.tier == Tier.IDENTIFIERS and hit.matched_text in query.response)
    mine, theirs = (query.response, task.solution) if in_answer else (query.text, task.prompt)
    names = ("Its answer", "The task’s solution") if in_answer else ("The query", "The benchmark’s task")
    return [
        Side(names[0], shared_stretches(mine, theirs, fold=_folded)),
        Side(names[1], shared_stretches(theirs, mine, fold=_folded)),
    ]


def _folded(text: str) -> str:
    return " ".join(words_of(text))


def rail_for(reader: User, *, at: datetime, asked: Mapping[str, str], address: str) -> Rail:
    """The rail as this person meets it."""
    waiting = Query.objects.suspects()
    midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return Rail(
        held_by_others=waiting.exclude(claimed_by=reader).filter(claimed_until__gt=at).count(),
        put_off=suspects.count_skipped(reader, at=at),
        today=suspects.count_judged(by=reader, since=midnight),
        filters=[
            (name, choices_of(name, counts_by(waiting, column), asked=asked, address=address))
            for name, column in FILTERS.items()
        ],
        decisions=suspects.judged_by(reader, most=DECISIONS_SHOWN),
    )


def place_of(query: Query | None, reader: User, *, at: datetime, asked: Mapping[str, str]) -> Place:
    """Where the query stands in this person's queue, and how much of it people have done."""
    queue = suspects.suspects_for(reader, at=at).filter(**{FILTERS[name]: value for name, value in asked.items()})
    ahead = 0
    if query is not None:
        likelier = Q(suspicion__gt=query.suspicion) | Q(suspicion=query.suspicion, pk__lt=query.pk)
        ahead = queue.filter(likelier).count()
    done = 0 if asked else kept_for_a_while("suspects_judged", suspects.count_judged)
    return Place(position=ahead + 1, waiting=queue.count(), done=done)
