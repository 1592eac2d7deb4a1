"""The record of a source, or of one file of it, that was taken out again with all that hung on it."""

from django.conf import settings
from django.db import models
from django.urls import reverse

# What passes block by block, and so makes up the bar.
PASSING = (
    *("queries", "grown", "imported", "problems", "solutions", "rejected"),
    *("moving", "moving_problems", "moving_solutions", "moving_dialogues"),
)


def _passing(counts: dict[str, int]) -> int:
    return sum(counts.get(name, 0) for name in PASSING)


class Withdrawal(models.Model):
    """One withdrawal: what was going to go, and what has gone so far. It stays when its source is gone."""

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    source = models.ForeignKey("curation.Source", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    batch = models.ForeignKey(
        "curation.ImportBatch", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    slug = models.CharField(max_length=64)
    is_whole = models.BooleanField(help_text="The whole source, not one file of it.")
    file_name = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    expected = models.JSONField(default=dict, help_text="rows by name, counted before it began")
    gone = models.JSONField(default=dict, help_text="rows by name, as they went")
    error = models.TextField(blank=True)
    handed_at = models.DateTimeField(null=True, blank=True, help_text="when a worker was last told of it")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(finished_at=None), name="withdrawal_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"withdrawal of {self.what}"

    def get_absolute_url(self) -> str:
        return reverse("dialogues:withdrawal", args=[self.pk])

    @property
    def what(self) -> str:
        """The file or the source in words."""
        return f"source {self.slug}" if self.is_whole else f"{self.file_name} from {self.slug}"

    @property
    def rows_expected(self) -> int:
        return _passing(self.expected)

    @property
    def rows_gone(self) -> int:
        return min(_passing(self.gone), self.rows_expected)
