"""A pass over the whole pool that someone asked for: how far it is, what it found, and the action that undoes it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

# A pass that has told nothing for so long has died with its worker.
SILENT_FOR = timedelta(minutes=5)


class PoolPassQuerySet(models.QuerySet[Any]):
    """Questions asked of the passes so far."""

    def begin(self, pk: int) -> bool:
        """Take up a pass that nobody has begun or cancelled."""
        return self.filter(pk=pk, told_at=None, finished_at=None).update(told_at=timezone.now()) == 1

    def still_open(self) -> bool:
        """Whether one of them goes on, or is about to begin; not one that was asked to end."""
        return any(one.is_open for one in self.filter(finished_at=None, cancelled_at=None, error=""))


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

    class Meta:
        abstract = True
        ordering = ["-pk"]

    @property
    def state(self) -> str:
        """In one word."""
        if self.error:
            return "failed"
        if self.finished_at is not None:
            return "cancelled" if self.cancelled_at else "done"
        if (self.told_at or self.asked_at) < timezone.now() - SILENT_FOR:
            return "stopped"
        if self.cancelled_at:
            return "cancelling"
        return "running" if self.told_at else "queued"

    @property
    def is_open(self) -> bool:
        """It is still going on, or about to begin."""
        return self.state in ("queued", "running", "cancelling")
