"""A drawn sample of the pool with its strata, and the guidelines that people audit by."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class AuditSample(models.Model):
    """One stratified draw. One stands at a time: weights of two draws would count the pool twice."""

    size = models.PositiveIntegerField(help_text="queries drawn")
    seed = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn = models.BooleanField(default=False, help_text="Undone, or followed by a later draw.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["withdrawn"], condition=Q(withdrawn=False), name="audit_sample_one_stands"),
        ]

    def __str__(self) -> str:
        return f"sample {self.pk}"


class Stratum(models.Model):
    """One cell of the judges' scores, kept or dropped: how many queries it holds, how many of them were drawn."""

    sample = models.ForeignKey(AuditSample, on_delete=models.CASCADE, related_name="strata")
    number = models.PositiveIntegerField()
    pattern = models.CharField(max_length=200, help_text="the scores by judge: 3=4 7=2")
    stage = models.CharField(max_length=12)
    size = models.PositiveIntegerField()
    drawn = models.PositiveIntegerField()

    class Meta:
        ordering = ["number"]
        verbose_name_plural = "strata"
        constraints = [
            models.UniqueConstraint(fields=["sample", "number"], name="stratum_number_once"),
            models.UniqueConstraint(fields=["sample", "pattern", "stage"], name="stratum_once"),
            models.CheckConstraint(condition=Q(drawn__gte=1, drawn__lte=F("size")), name="stratum_drawn_within"),
        ]

    def __str__(self) -> str:
        return f"{self.sample_id}.{self.number}"

    @property
    def weight(self) -> float:
        """How many queries of the stratum a drawn one stands for: one over its chance to be drawn."""
        return self.size / self.drawn


class SampledQuery(models.Model):
    """One query of a sample."""

    stratum = models.ForeignKey(Stratum, on_delete=models.CASCADE, related_name="queries")
    query = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="sampled")

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "sampled queries"
        constraints = [
            models.UniqueConstraint(fields=["query", "stratum"], name="sampled_query_once"),
        ]

    def __str__(self) -> str:
        return f"query {self.query_id} in stratum {self.stratum_id}"


class Guidelines(models.Model):
    """One version of the text beside the audit. Append-only: an edit makes a version."""

    # Not `version`: that column rises by itself when a row is undone.
    number = models.PositiveIntegerField(unique=True)
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn = models.BooleanField(default=False, help_text="Undone by an action; kept for the record.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "guidelines"
        constraints = [
            models.CheckConstraint(condition=Q(number__gte=1), name="guidelines_count_from_one"),
            models.CheckConstraint(condition=~Q(text=""), name="guidelines_say_something"),
        ]

    def __str__(self) -> str:
        return f"guidelines v{self.number}"
