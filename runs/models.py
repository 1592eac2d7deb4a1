"""The tables of durable work: runs, items, workers, the ledger of paid calls, remembered executions, endpoints."""

import re
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str, length: int | None = None) -> str:
    """The text as both databases can hold it, cut to a length: NUL and lone surrogates become U+FFFD."""
    return LONE_SURROGATE.sub("\ufffd", text).replace("\x00", "\ufffd")[:length]


class RunState(models.TextChoices):
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    PAUSING = "pausing", "pausing"
    PAUSED = "paused", "paused"
    CANCELLING = "cancelling", "cancelling"
    CANCELLED = "cancelled", "cancelled"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    OVER_BUDGET = "over_budget", "over budget"


ACTIVE_STATES = (RunState.QUEUED, RunState.RUNNING)
FINAL_STATES = (RunState.CANCELLED, RunState.DONE)


class Run(models.Model):
    """One piece of work over many rows, with its counters. `spent` is the cost of every answer received, in USD."""

    kind = models.CharField(max_length=32)
    title = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict, help_text="What the plan was made from; also the model of each role.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="runs"
    )
    state = models.CharField(max_length=16, choices=RunState, default=RunState.QUEUED)
    note = models.TextField(blank=True, help_text="Why the run stands where it stands.")
    budget = models.DecimalField(max_digits=18, decimal_places=9, null=True, blank=True)
    reserved = models.DecimalField(max_digits=18, decimal_places=9, default=Decimal(0))
    spent = models.DecimalField(max_digits=18, decimal_places=9, default=Decimal(0))
    items_total = models.PositiveIntegerField(default=0)
    items_done = models.PositiveIntegerField(default=0)
    items_failed = models.PositiveIntegerField(default=0)
    items_skipped = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0, help_text="Requests answered by an endpoint for this run.")
    calls_failed = models.PositiveIntegerField(default=0, help_text="Requests that brought an error and no answer.")
    calls_lost = models.PositiveIntegerField(default=0, help_text="Requests that left; what became of them is unknown.")
    ledger_hits = models.PositiveIntegerField(default=0, help_text="Answers that were already in the ledger, free.")
    rate_samples = models.JSONField(default=list, help_text="Pairs of epoch seconds and items finished, newest last.")
    created_at = models.DateTimeField(auto_now_add=True)
    planned_at = models.DateTimeField(null=True, blank=True, help_text="empty while its items are being written")
    finished_at = models.DateTimeField(null=True, blank=True)
    compacting_at = models.DateTimeField(null=True, blank=True, help_text="sign of life of whoever compacts it now")
    compacted_at = models.DateTimeField(null=True, blank=True, help_text="when that came to its end")
    compacted_bytes = models.PositiveBigIntegerField(default=0, help_text="what was dropped so far")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "id"], name="run_by_state")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(condition=Q(budget__isnull=True) | Q(budget__gte=0), name="run_budget_not_negative"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("runs:detail", args=[self.pk])

    @property
    def is_unplanned(self) -> bool:
        """Its items are still being written, or whoever wrote them has stopped."""
        return self.planned_at is None and self.state == RunState.PAUSED

    @property
    def items_open(self) -> int:
        return self.items_total - self.items_ended

    @property
    def items_ended(self) -> int:
        """Items that need no more work: done, failed or skipped."""
        return self.items_done + self.items_failed + self.items_skipped


class Proposal(models.Model):
    """A run that someone thinks of starting: what it would do and cost, worked out by the worker for jobs."""

    kind = models.CharField(max_length=32)
    title = models.CharField(max_length=200)
    parameters = models.JSONField()
    budget = models.DecimalField(max_digits=18, decimal_places=9, null=True, blank=True)
    asked = models.TextField(blank=True, help_text="The form as it was filled in, to change it.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proposals")
    figures = models.JSONField(default=dict, help_text="The quote; while it is worked out, how far that is.")
    error = models.TextField(blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    priced_at = models.DateTimeField(null=True, blank=True)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="proposals")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"proposal {self.pk}: {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("runs:proposal", args=[self.pk])


class ItemState(models.TextChoices):
    PENDING = "pending", "pending"
    LEASED = "leased", "in work"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    SKIPPED = "skipped", "skipped"


class WorkItem(models.Model):
    """One row of work. Whoever holds `lease_token` may save its outcome, once."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(max_length=200)
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=ItemState, default=ItemState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="times it was taken up and not given back")
    lease_worker = models.CharField(max_length=32, blank=True, help_text="name of the worker that holds it")
    lease_host = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    reserved = models.DecimalField(
        max_digits=18, decimal_places=9, default=Decimal(0), help_text="Set aside of the run's budget while in work."
    )
    error_class = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["run", "state", "attempts", "id"], name="item_by_run_state"),
            models.Index(fields=["lease_until"], name="item_leased", condition=Q(state="leased")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="item_once_per_run"),
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="item_state_known"),
            models.CheckConstraint(
                condition=~Q(state="leased") | (Q(lease_until__isnull=False) & ~Q(lease_token="")),
                name="item_leased_has_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.key} of run {self.run_id}"


class Slice(models.Model):
    """One of the places a run has for workers that come by message. `turn` names the message that may take it up."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="slices")
    number = models.PositiveSmallIntegerField()
    turn = models.DateTimeField(null=True, blank=True, help_text="taken, or a message on its way, until then")

    class Meta:
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="slice_once_per_run")]

    def __str__(self) -> str:
        return f"slice {self.number} of run {self.run_id}"


class Worker(models.Model):
    """One event loop at work on a run, while it lives; what it left behind when it died stands in its spool."""

    name = models.CharField(max_length=32, unique=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="workers")
    host = models.CharField(max_length=128)
    process = models.PositiveIntegerField()
    outcomes = models.PositiveBigIntegerField(default=0, help_text="outcomes of its spool that stand in the ledger")
    started_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"worker {self.name[:8]} on {self.host} (process {self.process})"


class CallState(models.TextChoices):
    DONE = "done", "done"
    FAILED = "failed", "failed"
    UNKNOWN = "unknown", "unknown"


class Call(models.Model):
    """One question to a model, unique by what was asked. An answer that arrived is paid once and read for ever."""

    key = models.CharField(max_length=64, unique=True, help_text="sha256 of the canonical question")
    # No index of its own: call_by_run begins with it.
    run = models.ForeignKey(
        Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="paid_calls", db_index=False
    )
    role = models.CharField(max_length=16)
    endpoint = models.CharField(max_length=64)
    model = models.CharField(max_length=128)
    sample = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=CallState)
    request = models.BinaryField(null=True, help_text="canonical JSON, zlib; dropped by `runs compact`")
    response = models.BinaryField(null=True, help_text="the endpoint's JSON, zlib")
    finish_reason = models.CharField(max_length=32, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=18, decimal_places=9, null=True, help_text="US dollars; null: no price known")
    latency_s = models.FloatField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="times this question left the house")
    answers = models.PositiveIntegerField(default=0, help_text="times an answer arrived and was paid for")
    lost = models.PositiveIntegerField(default=0, help_text="times nobody knows what became of it")
    error_kind = models.CharField(max_length=32, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            # Holds all that a run's page adds up, so that half a million replies are not read for it.
            models.Index(fields=["run", "lost", "prompt_tokens", "completion_tokens", "latency_s"], name="call_by_run")
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="call_state_known"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(response__isnull=False), name="call_done_has_response"
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.key[:12]} to {self.endpoint}/{self.model}"


class Execution(models.Model):
    """One run of one program in the sandbox, remembered by what was run and how."""

    key = models.CharField(max_length=64, unique=True, help_text="sha256 of code, language, input, limits, runtime")
    code = models.TextField()
    language = models.CharField(max_length=16)
    stdin = models.TextField(blank=True)
    limits = models.JSONField()
    runtime = models.CharField(max_length=64)
    backend = models.CharField(max_length=32, help_text="bubblewrap, landlock, or remote: and the runner's own")
    status = models.CharField(max_length=16)
    phase = models.CharField(max_length=8)
    stdout = models.TextField(blank=True)
    stderr = models.TextField(blank=True)
    exit_code = models.IntegerField(null=True)
    signal = models.IntegerField(null=True)
    truncated = models.BooleanField(default=False)
    wall_s = models.FloatField()
    cpu_s = models.FloatField()
    peak_rss_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            # A set-up failure says nothing about the program, so it is never remembered as its result.
            models.CheckConstraint(condition=~Q(status="sandbox_error"), name="execution_is_of_the_program"),
        ]

    def __str__(self) -> str:
        return f"execution {self.key[:12]}: {self.status}"

    @property
    def ran_clean(self) -> bool:
        return self.status == "ok"


class EndpointBucket(models.Model):
    """What all processes share about an endpoint: requests and tokens left, a pause it wished for, a sign of life."""

    endpoint = models.CharField(max_length=64, unique=True)
    requests_left = models.FloatField()
    tokens_left = models.FloatField()
    filled_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True, help_text="when it last answered anyone, within seconds")

    class Meta:
        ordering = ["endpoint"]

    def __str__(self) -> str:
        return self.endpoint
