"""Where queries came from: sources, files, each line that was seen, each record that was refused."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from curation.holding import batch_lock, is_held


class Source(models.Model):
    """A named origin of data; its slug is what commands and filters use."""

    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="since when all of it is being taken out")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class ImportBatch(models.Model):
    """One file, read once. Its counts always add up: read = accepted + duplicates + rejected."""

    class Holds(models.TextChoices):
        QUERIES = "queries", "queries"
        DIALOGUES = "dialogues", "dialogues"
        PROBLEMS = "problems", "problems"
        BENCHMARK = "benchmark", "benchmark tasks"

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    class Unit(models.TextChoices):
        LINE = "line", "line"
        RECORD = "record", "record"

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="batches")
    holds = models.CharField(max_length=16, choices=Holds)
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, blank=True)
    layout = models.CharField(max_length=32, blank=True)
    mapping = models.JSONField(default=dict, blank=True, help_text="field of the file for each target; empty: none")
    unit = models.CharField(max_length=8, choices=Unit, default=Unit.LINE, help_text="what its records are numbered by")
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    read = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "import batches"
        constraints = [
            models.CheckConstraint(
                condition=Q(read=F("accepted") + F("duplicates") + F("rejected")), name="batch_counts_add_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} into {self.source_id}"

    def get_absolute_url(self) -> str:
        return reverse("curation:batch", args=[self.pk])

    @property
    def standing(self) -> str:
        """Its state as people read it: stopped when it is not at its end and nobody is at it."""
        if self.finished_at is not None or self.state == self.State.QUEUED:
            return self.state
        return self.state if self.state == self.State.RUNNING and is_held(batch_lock(self.pk)) else "stopped"


class HeldByFiles(models.Model):
    """A row that further files may hold than the one that brought it."""

    also_in = models.ManyToManyField(
        ImportBatch,
        blank=True,
        related_name="+",
        help_text="other files that hold it; it moves there when its own is withdrawn",
    )

    class Meta:
        abstract = True


class RejectedRecord(models.Model):
    """A record that was not taken, with its place in the file and why."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rejected_records")
    line = models.PositiveIntegerField(help_text="line of the file; for a JSON array or CSV the record's number")
    reason = models.CharField(max_length=300)
    excerpt = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["batch", "reason", "line"], name="rejected_list_by_reason")]
        constraints = [models.UniqueConstraint(fields=["batch", "line"], name="rejected_once_per_line")]

    def __str__(self) -> str:
        return f"{self.batch.unit} {self.line}: {self.reason}"


class Sighting(models.Model):
    """A query seen in one line of one file; `response` only where it differs from the query's first one."""

    query = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="sightings")
    # The constraint below leads with the batch: one index is enough.
    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="sightings", db_index=False)
    line = models.PositiveIntegerField()
    repeats = models.BooleanField(default=False, help_text="The text was known before this line.")
    external_id = models.CharField(max_length=128, blank=True)
    response_hash = models.CharField(max_length=64, blank=True)
    response = models.TextField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["batch", "line"], name="sighting_list_repeats", condition=Q(repeats=True))]
        constraints = [models.UniqueConstraint(fields=["batch", "line"], name="sighting_once_per_line")]

    def __str__(self) -> str:
        return f"query {self.query_id} in batch {self.batch_id}, line {self.line}"
