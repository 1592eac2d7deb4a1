"""What people said of disputed queries. Append-only."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class WhoWasRight(models.TextChoices):
    FIRST = "a", "A was right"
    SECOND = "b", "B was right"
    BOTH = "both", "both"
    NEITHER = "neither", "neither"


class Verdict(models.Model):
    """One person's audit of one query: the blind value first, keep or drop after the reveal."""

    query = models.ForeignKey("curation.Query", on_delete=models.PROTECT, related_name="verdicts")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="verdicts")
    value = models.PositiveSmallIntegerField()
    keep = models.BooleanField()
    who_was_right = models.CharField(max_length=8, choices=WhoWasRight, blank=True)
    note = models.TextField(blank=True)
    blind = models.BooleanField(default=True, help_text="The value was given before the scores were shown.")
    seconds = models.FloatField(default=0, help_text="from showing the query to the verdict")
    stratum = models.CharField(max_length=32, blank=True)
    weight = models.FloatField(default=1.0)
    withdrawn = models.BooleanField(default=False, help_text="Undone by an action; kept for the record.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["by", "-id"], name="verdict_by_person")]
        constraints = [
            models.CheckConstraint(condition=Q(value__gte=1, value__lte=5), name="verdict_value_in_range"),
            models.CheckConstraint(
                condition=Q(who_was_right__in=["", *WhoWasRight.values]), name="verdict_right_known"
            ),
            models.UniqueConstraint(
                fields=["query", "by"], condition=Q(withdrawn=False), name="verdict_once_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value}, {'keep' if self.keep else 'drop'} for query {self.query_id}"
