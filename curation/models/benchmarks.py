"""Evaluation benchmarks, and the queries that were found to hold their tasks."""

from django.db import models
from django.db.models import Q


class Benchmark(models.Model):
    """A set of evaluation tasks that training data must not hold."""

    name = models.SlugField(max_length=64, unique=True)
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class BenchmarkTask(models.Model):
    """One task: what it asks, its reference solution, its tests."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="tasks")
    external_id = models.CharField(max_length=128)
    prompt = models.TextField()
    solution = models.TextField(blank=True)
    tests = models.TextField(blank=True)
    entry_point = models.CharField(max_length=128, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["benchmark", "external_id"], name="task_once_per_benchmark")]

    def __str__(self) -> str:
        return f"{self.external_id}"


class Tier(models.TextChoices):
    EXACT = "exact", "same text"
    NGRAM_QUERY = "ngram_query", "words of the query"
    NGRAM_ANSWER = "ngram_answer", "words of the answer"
    IDENTIFIERS = "identifiers", "same code, other names"
    NEIGHBOUR = "neighbour", "near in meaning"
    EXECUTION = "execution", "answer passes the task's tests"


class ContaminationHit(models.Model):
    """Why a query is suspected: task, tier, and the text that matched."""

    query = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="contamination_hits")
    task = models.ForeignKey(BenchmarkTask, on_delete=models.CASCADE, related_name="hits")
    tier = models.CharField(max_length=16, choices=Tier)
    score = models.FloatField()
    matched_text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["query", "task", "tier"], name="hit_once_per_tier"),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="hit_tier_known"),
        ]

    def __str__(self) -> str:
        return f"query {self.query_id} holds {self.task_id} ({self.tier})"
