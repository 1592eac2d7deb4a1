"""Evaluation benchmarks, and the queries that were found to hold their tasks."""

from typing import Self

from django.db import models
from django.db.models import Q

from curation.models.pool_passes import PoolPass, PoolPassQuerySet
from curation.models.queries import Contamination


class Benchmark(models.Model):
    """A set of evaluation tasks that training data must not hold."""

    name = models.SlugField(max_length=64, unique=True)
    sha256 = models.CharField(max_length=64)
    withdrawn = models.BooleanField(default=False, help_text="no query is checked against it any more")
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


# Those that a check finds by reading; the others come of vectors and of runs.
OF_READING = (Tier.EXACT, Tier.NGRAM_QUERY, Tier.NGRAM_ANSWER, Tier.IDENTIFIERS)


class Opinion(models.TextChoices):
    """What a model says of a hit."""

    SAME = "same", "the same task"
    OTHER = "other", "another task"
    UNCLEAR = "unclear", "no readable answer"


class ContaminationHitQuerySet(models.QuerySet["ContaminationHit"]):
    """Questions asked of hits."""

    def of_suspects(self) -> Self:
        """Those of the queries that wait at the desk, with tasks of benchmarks in use."""
        return self.filter(
            query__contamination=Contamination.SUSPECT, query__duplicate_of=None, task__benchmark__withdrawn=False
        )


class ContaminationHit(models.Model):
    """Why a query is suspected: task, tier, and the text that matched."""

    query = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="contamination_hits")
    task = models.ForeignKey(BenchmarkTask, on_delete=models.CASCADE, related_name="hits")
    tier = models.CharField(max_length=16, choices=Tier)
    score = models.FloatField()
    matched_text = models.TextField()
    proves = models.BooleanField(default=False, help_text="enough to set the query aside")
    opinion = models.CharField(max_length=8, choices=Opinion, blank=True, help_text="of a model; empty: not asked")
    opinion_reason = models.TextField(blank=True)
    opinion_call = models.ForeignKey("runs.Call", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ContaminationHitQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["query", "task", "tier"], name="hit_once_per_tier"),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="hit_tier_known"),
        ]

    def __str__(self) -> str:
        return f"query {self.query_id} holds {self.task_id} ({self.tier})"


class ContaminationPassQuerySet(PoolPassQuerySet):
    """Questions asked of the checks so far."""

    def standing(self) -> "ContaminationPassQuerySet":
        """Those whose action, if they had one, was not undone."""
        return self.filter(Q(action=None) | Q(action__undone_by=None))

    def reached(self, fingerprint: str) -> int:
        """Up to which query all were checked against these tasks under these rules."""
        reached = 0
        for after, until in (
            self.standing().filter(fingerprint=fingerprint).order_by("after").values_list("after", "until")
        ):
            if after <= reached:
                reached = max(reached, until)
        return reached


class ContaminationPass(PoolPass):
    """One check: which queries it went through, against what, and what came of it. It goes on where it was stopped."""

    fingerprint = models.CharField(max_length=64, blank=True, help_text="of the tasks and the rules")
    after = models.BigIntegerField(default=0, help_text="queries with a higher key were checked …")
    until = models.BigIntegerField(default=0, help_text="… up to this one")
    again = models.BooleanField(default=False, help_text="also queries that were checked before")
    nearest = models.PositiveSmallIntegerField(default=10, help_text="how many queries near each task are suspected")

    objects = ContaminationPassQuerySet.as_manager()

    def __str__(self) -> str:
        return f"contamination check {self.pk}"

    @property
    def what(self) -> str:
        """What was asked for, in few words."""
        return f"words, and {self.nearest} near each task" if self.nearest else "words only"
