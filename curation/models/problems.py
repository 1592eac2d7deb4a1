"""Problem sets with solutions, for similar-problem and follow-up dialogues."""

from django.db import models
from django.db.models import Q

from curation.models.intake import HeldByFiles


class Problem(HeldByFiles):
    """A programming problem with tags and tests."""

    source = models.ForeignKey("curation.Source", on_delete=models.PROTECT, related_name="problems")
    batch = models.ForeignKey(
        "curation.ImportBatch", null=True, blank=True, on_delete=models.PROTECT, related_name="problems"
    )
    external_id = models.CharField(max_length=128)
    title = models.CharField(max_length=300, blank=True)
    text = models.TextField()
    text_hash = models.CharField(max_length=64)
    difficulty = models.CharField(max_length=32, blank=True)
    tags = models.JSONField(default=list)
    tests = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["source", "text_hash"], name="problem_once_per_source")]

    def __str__(self) -> str:
        return self.title or f"problem {self.pk}"


class Verified(models.TextChoices):
    UNKNOWN = "unknown", "not yet run"
    PASSED = "passed", "passes its tests"
    FAILED = "failed", "fails its tests"


class Solution(HeldByFiles):
    """One solution of a problem in one language."""

    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="solutions")
    batch = models.ForeignKey(
        "curation.ImportBatch",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="solutions",
        help_text="the file that brought it; empty: it goes with its problem",
    )
    language = models.CharField(max_length=32)
    code = models.TextField()
    code_hash = models.CharField(max_length=64)
    complexity = models.CharField(max_length=64, blank=True)
    verified = models.CharField(max_length=8, choices=Verified, default=Verified.UNKNOWN)
    execution = models.ForeignKey("runs.Execution", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["problem", "code_hash"], name="solution_once_per_problem"),
            models.CheckConstraint(condition=Q(verified__in=Verified.values), name="solution_verified_known"),
        ]

    def __str__(self) -> str:
        return f"{self.language} solution of {self.problem_id}"
