"""A pass over the whole pool that someone asked for: how far it is, what it found, and the action that undoes it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

# Whoever is at a pass gives a sign of life every few seconds; after this silence it has died with its worker.
SILENT_FOR = timedelta(seconds=30)
# One that no worker has taken up may wait behind longer jobs; after this its message was lost.
UNTAKEN_FOR = timedelta(minutes=5)
OPEN = Q(finished_at=None, cancelled_at=None, error="")


class PoolPassQuerySet(models.QuerySet[Any]):
    """Questions asked of the passes so far."""

    def begin(self, pk: int) -> bool:
        """Take up a pass that nobody has begun, cancelled or given up."""
        return self.filter(pk=pk, told_at=None, finished_at=None, error="").update(told_at=timezone.now()) == 1

    def beat(self, pk: int) -> None:
        """Give a sign of life of a pass that goes on."""
        self.filter(pk=pk, finished_at=None, error="").update(told_at=timezone.now())

    def at_work(self) -> "PoolPassQuerySet":
        """Those that somebody is at or is about to begin; one that was cancelled is at it until its next step."""
        now = timezone.now()
        heard = Q(told_at__gte=now - SILENT_FOR) | Q(told_at=None, asked_at__gte=now - UNTAKEN_FOR)
        return self.filter(heard, finished_at=None, error="")

    def give_up_silent(self) -> None:
        """End those that were not heard of any more; what they had written stands."""
        now = timezone.now()
        self.filter(OPEN, told_at__lt=now - SILENT_FOR).update(error="its worker was not heard of any more")
        self.filter(OPEN, told_at=None, asked_at__lt=now - UNTAKEN_FOR).update(error="no worker has taken it up")


class PoolPass(models.Model):
    """What every such pass keeps of itself."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.ForeignKey("accounts.Action", null=True, on_delete=models.PROTECT, related_name="+")
    doing = models.CharField(max_length=40, blank=True, help_text="what it is at")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    found = models.JSONField(default=dict, help_text="what came of it, counted")
    error = models.TextField(blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    told_at = models.DateTimeField(null=True, help_text="when it last said where it was")
    cancelled_at = models.DateTimeField(null=True, help_text="when someone asked it to end")
    finished_at = models.DateTimeField(null=True)
    is_one = models.BooleanField(default=True, editable=False, help_text="the same everywhere: unique while open")

    class Meta:
        abstract = True
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["is_one"], condition=OPEN, name="%(class)s_one_at_a_time"),
        ]

    @property
    def state(self) -> str:
        """In one word."""
        if self.error:
            return "failed"
        if self.finished_at is not None:
            return "cancelled" if self.cancelled_at else "done"
        if self.is_silent:
            return "stopped"
        if self.cancelled_at:
            return "cancelling"
        return "running" if self.told_at else "queued"

    @property
    def is_open(self) -> bool:
        """It is still going on, or about to begin."""
        return self.state in ("queued", "running", "cancelling")

    @property
    def is_silent(self) -> bool:
        """Nobody is at it any more, or ever was."""
        now = timezone.now()
        return self.told_at < now - SILENT_FOR if self.told_at else self.asked_at < now - UNTAKEN_FOR
