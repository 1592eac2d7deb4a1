"""Rows that people hold for a while: claimed with a conditional update, decided with id, version and claim."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ClaimableQuerySet(models.QuerySet[Any]):
    """What can be asked of, and done to, rows that people claim."""

    def free(self, *, at: datetime) -> Self:
        """Rows nobody holds at that time."""
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=at))

    def held(self, *, by_id: int, at: datetime) -> Self:
        """Rows this person holds at that time."""
        return self.filter(claimed_by_id=by_id, claimed_until__gt=at)

    def wanting(self) -> Self:
        """Rows that still want a person's word."""
        return self.filter(reviews_given__lt=F("reviews_wanted"))

    def claim(self, pk: int, *, by_id: int, at: datetime) -> bool:
        """Take the row for one person, or lengthen that person's hold; False when someone else holds it."""
        mine_or_free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=at) | Q(claimed_by_id=by_id)
        until = at + timedelta(minutes=settings.CLAIM_MINUTES)
        return self.filter(mine_or_free, pk=pk).update(claimed_by_id=by_id, claimed_until=until) == 1

    def release(self, pk: int, *, by_id: int) -> bool:
        """Give a held row back."""
        return self.filter(pk=pk, claimed_by_id=by_id).update(claimed_by=None, claimed_until=None) == 1


class Claimable(models.Model):
    """Columns of a row that people hold while they decide. `version` rises with content or state, never by a claim."""

    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    reviews_wanted = models.PositiveSmallIntegerField(default=1)
    reviews_given = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
