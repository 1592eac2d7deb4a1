"""What the review desk shows around a dialogue: the rail, the place in the queue, and what this reviewer edited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import User
from dialogues import reviewing
from dialogues.drafts import Flag
from dialogues.models import Dialogue, Review, State, Turn
from web.counts import counts_by
from web.desk import Choice, Place, choices_of

FILTERS = {"method": "method", "language": "language"}
DECISIONS_SHOWN = 10
UNDECIDED = (State.DRAFT, State.IN_REVIEW)


@dataclass(frozen=True, slots=True)
class Rail:
    """The left side: how the queue stands, how it may be narrowed, and what this person decided last."""

    held_by_others: int
    put_off: int
    today: int
    filters: Sequence[tuple[str, Sequence[Choice]]]
    decisions: Sequence[Review]


def rail_for(reader: User, *, at: datetime, asked: Mapping[str, str], address: str) -> Rail:
    """The rail as this person meets it."""
    awaiting = Dialogue.objects.awaiting_review()
    mine = Review.objects.filter(by=reader, withdrawn=False)
    return Rail(
        held_by_others=awaiting.exclude(claimed_by=reader).filter(claimed_until__gt=at).count(),
        put_off=reviewing.count_skipped(reader, at=at),
        today=mine.filter(at__gte=timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)).count(),
        filters=[
            (name, choices_of(name, counts_by(awaiting, column), asked=asked, address=address))
            for name, column in FILTERS.items()
        ],
        decisions=list(mine.select_related("dialogue")[:DECISIONS_SHOWN]),
    )


def place_of(dialogue: Dialogue | None, reader: User, *, at: datetime, only: Mapping[str, Any]) -> Place:
    """Where the dialogue stands in this person's queue, and how many of all are decided."""
    queue = reviewing.reviews_for(reader, at=at).filter(**only)
    ahead = queue.filter(pk__lt=dialogue.pk).count() if dialogue is not None else 0
    decided = Dialogue.objects.filter(**only).exclude(state__in=UNDECIDED).count()
    return Place(position=ahead + 1, waiting=queue.count(), done=decided)


def flags_in_words(dialogue: Dialogue) -> list[str]:
    """What the consistency checks found, as people read it."""
    return [str(Flag(name).label) if name in Flag.values else name.replace("_", " ") for name in dialogue.flags]


def edited_turns(turns: Sequence[Turn], reader: User) -> list[int]:
    """Positions of the turns this reviewer edited."""
    return [turn.position for turn in turns if any(edit.by_id == reader.pk for edit in turn.revisions.all())]
