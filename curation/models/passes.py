"""The passes of a rule over the pool that pages asked for: how far they are, and what came of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


class RulePass(models.Model):
    """One decision of all queries by a rule. One at a time: two would undo each other's work."""

    rule = models.CharField(max_length=64)
    threshold = models.FloatField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    blocks = models.PositiveIntegerField(default=0)
    blocks_done = models.PositiveIntegerField(default=0)
    figures = models.JSONField(default=dict, help_text="kept, dropped, unscored, disputed, changed")
    action = models.ForeignKey("accounts.Action", null=True, on_delete=models.SET_NULL, related_name="+")
    error = models.TextField(blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    heard_at = models.DateTimeField(help_text="last sign of life of whoever carries it out")
    finished_at = models.DateTimeField(null=True, blank=True)
    is_one = models.BooleanField(default=True, editable=False, help_text="the same everywhere: unique while unfinished")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_one"], condition=Q(finished_at__isnull=True), name="rule_pass_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.threshold}"

    def get_absolute_url(self) -> str:
        return reverse("curation:rule_pass", args=[self.pk])

    @property
    def state(self) -> str:
        """queued, running, done or failed, in the words of every page."""
        if self.finished_at is None:
            return "running" if self.blocks else "queued"
        return "failed" if self.error else "done"
