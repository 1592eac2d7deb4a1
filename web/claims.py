"""Rows that people hold for a while: claimed with a conditional update, decided with id, version and claim."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

CANDIDATES = 8


class Stale(Exception):
    """The row has changed, or is no longer held, since the form was shown; `current` is the row as it stands."""

    def __init__(self, current: Any) -> None:
        super().__init__(f"{current} now stands at version {current.version}; look at it again before deciding")
        self.current = current


class ClaimableQuerySet(models.QuerySet[Any]):
    """What can be asked of, and done to, rows that people claim."""

    def free(self, *, at: datetime) -> Self:
        """Rows nobody holds at that time."""
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=at))

    def within_reach(self, *, by_id: int, at: datetime) -> Self:
        """Rows this person may take: free ones and the person's own."""
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=at) | Q(claimed_by_id=by_id))

    def held(self, *, by_id: int, at: datetime) -> Self:
        """Rows this person holds at that time."""
        return self.filter(claimed_by_id=by_id, claimed_until__gt=at)

    def wanting(self) -> Self:
        """Rows that still want a person's word."""
        return self.filter(reviews_given__lt=F("reviews_wanted"))

    def claim(self, pk: int, *, by_id: int, at: datetime) -> bool:
        """Take the row for one person, or lengthen that person's hold; False when someone else holds it."""
        until = at + timedelta(minutes=settings.CLAIM_MINUTES)
        return self.within_reach(by_id=by_id, at=at).filter(pk=pk).update(claimed_by=by_id, claimed_until=until) == 1

    def claim_first(self, *, by_id: int, at: datetime) -> int | None:
        """Take the first row, in the order of this queryset, that nobody else holds; its key, or None."""
        within_reach = self.within_reach(by_id=by_id, at=at)
        while candidates := list(within_reach.values_list("pk", flat=True)[:CANDIDATES]):
            # Whoever was faster took one candidate away for good, so this ends. Behind the first each person begins
            # elsewhere: many who all went down the same list would fail a dozen times for each that they get.
            first, *others = candidates
            turn = by_id % len(candidates)
            for pk in (first, *others[turn:], *others[:turn]):
                if self.claim(pk, by_id=by_id, at=at):
                    return int(pk)
        return None

    def decide(self, pk: int, *, version: int, by_id: int, **columns: Any) -> bool:
        """Write a decision and give the row back, if it is still held and reads as the form showed it."""
        held = self.filter(pk=pk, version=version, claimed_by_id=by_id)
        return held.update(version=F("version") + 1, claimed_by=None, claimed_until=None, **columns) == 1

    def release(self, pk: int, *, by_id: int) -> bool:
        """Give a held row back."""
        return self.filter(pk=pk, claimed_by_id=by_id).update(claimed_by=None, claimed_until=None) == 1


def held_index(name: str) -> models.Index:
    """For a table of claimable rows: finds the few that are, or were last, held."""
    return models.Index(fields=["claimed_until", "claimed_by"], name=name, condition=Q(claimed_until__isnull=False))


class Claimable(models.Model):
    """Columns of a row that people hold while they decide. `version` rises with content or state, never by a claim."""

    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    reviews_wanted = models.PositiveSmallIntegerField(default=1)
    reviews_given = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True

    def is_held(self, at: datetime) -> bool:
        """Whether someone holds the row at that time."""
        return self.claimed_until is not None and self.claimed_until > at
