"""Not now: a person puts a queued row off until a time, and gives it back."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.actions import Change, record
from accounts.models import Action, Skip, User
from web.claims import ClaimableQuerySet


def put_off(
    rows: ClaimableQuerySet, pk: int, *, subject: Skip.Subject, by: User, at: datetime, until: datetime
) -> Action:
    """Keep that row out of one person's queue until then; others are served it. Undo brings it back."""
    if until <= at:
        raise ValueError(f"{subject} {pk} cannot be put off until {until:%Y-%m-%d %H:%M}: that time has passed")
    with transaction.atomic():
        skip, _ = Skip.objects.update_or_create(by=by, subject=subject, subject_id=pk, defaults={"until": until})
        rows.release(pk, by_id=by.pk)
        return record(f"skip {subject}", [Change(skip, before={"until": at}, after={"until": until})], by=by)


def put_off_by(by: User, *, subject: Skip.Subject, at: datetime) -> Exists:
    """Condition on rows of that table: this person has put it off and the time has not come."""
    return Exists(Skip.objects.filter(by=by, subject=subject, subject_id=OuterRef("pk"), until__gt=at))


def count_put_off(waiting: QuerySet[Any], *, subject: Skip.Subject, by: User, at: datetime) -> int:
    """How many rows of a queue this person has put off; what others have decided meanwhile is in it no longer."""
    skipped = Skip.objects.filter(by=by, subject=subject, until__gt=at).order_by()
    return waiting.filter(pk__in=skipped.values("subject_id")).count()
