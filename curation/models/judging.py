"""Templates, the judges made from them, the scores they gave, and the table that links two scales."""

from django.db import models
from django.db.models import Q
from django.urls import reverse

from llm.prompts import placeholders


class AnswerOrder(models.TextChoices):
    SCORE_FIRST = "score_first", "score first, then the reason"
    REASON_FIRST = "reason_first", "reason first, then the score"


class Template(models.Model):
    """One version of a rating prompt. Immutable once used: an edit makes the next version."""

    name = models.SlugField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    level_labels = models.JSONField(help_text="five labels, level 1 first")
    body = models.TextField(help_text="placeholders: {{query}}, {{levels}}, {{order}}, optionally {{response}}")
    answer_order = models.CharField(max_length=16, choices=AnswerOrder, default=AnswerOrder.SCORE_FIRST)
    retired = models.BooleanField(default=False, help_text="No longer offered; what was scored with it stays.")
    created_at = models.DateTimeField(auto_now_add=True)

    # Undo may not raise it, as it raises the version of other rows.
    version_names_the_row = True

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="template_version_once"),
            models.CheckConstraint(condition=Q(answer_order__in=AnswerOrder.values), name="template_order_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def get_absolute_url(self) -> str:
        return reverse("curation:template", args=[self.pk])

    @property
    def shows_response(self) -> bool:
        """Whether the judge also sees the answer that came with the query."""
        return "response" in placeholders(self.body)

    @property
    def levels(self) -> list[tuple[int, str]]:
        """The five levels with their labels, level 1 first."""
        return list(enumerate(self.level_labels, start=1))


class Judge(models.Model):
    """A template version asked of one model with one sampling. Only judges that count enter rules."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="judges")
    model = models.CharField(max_length=128, help_text="slug of the model in the models file")
    sampling = models.JSONField(help_text="sampling parameters as sent")
    draw = models.PositiveIntegerField(default=0)
    counts = models.BooleanField(default=True)
    lab = models.BooleanField(default=False, help_text="An arm of the rubric lab: its scores never enter a rule.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["template", "model", "sampling", "draw", "lab"], name="judge_once"),
            models.CheckConstraint(condition=Q(lab=False) | Q(counts=False), name="judge_of_the_lab_never_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.template} by {self.model}"


class ScoreState(models.TextChoices):
    OK = "ok", "ok"
    UNREADABLE = "unreadable", "unreadable"
    REFUSED = "refused", "refused"


class Score(models.Model):
    """What one judge said of one query. No readable value is null, never a guess."""

    query = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="scores")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="scores")
    value = models.PositiveSmallIntegerField(null=True)
    expected = models.FloatField(null=True, help_text="expected value from the probabilities of the tokens 1–5")
    explanation = models.TextField(blank=True)
    state = models.CharField(max_length=12, choices=ScoreState)
    call = models.ForeignKey("runs.Call", null=True, on_delete=models.PROTECT, related_name="scores")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["query", "judge"], name="score_once_per_judge"),
            models.CheckConstraint(
                condition=Q(state="ok", value__gte=1, value__lte=5)
                | Q(state__in=["unreadable", "refused"], value__isnull=True),
                name="score_value_only_when_ok",
            ),
            models.CheckConstraint(
                condition=Q(expected__isnull=True) | Q(expected__gte=1, expected__lte=5), name="score_expected_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value or self.state} for query {self.query_id}"


class Link(models.Model):
    """How one template's five levels read on the anchor's scale, and from how many pairs that was learnt."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="links")
    anchor = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="links_onto")
    table = models.JSONField(help_text="five numbers: level 1–5 of the template on the anchor's scale")
    method = models.CharField(max_length=16)
    n = models.PositiveIntegerField(help_text="queries with a readable score by both")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.template} onto {self.anchor} ({self.method}, n={self.n})"


class Calibration(models.Model):
    """What one template's five levels were worth by people's verdicts when a rule decided by it. Append-only."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="calibrations")
    table = models.JSONField(help_text="five numbers: the level people give on average, by the template's level")
    counts = models.JSONField(help_text="five counts: verdicts by the template's level")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.template} by {sum(self.counts)} verdicts"
