"""The dialogue, its turns, and the seeds it was grown from."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from curation.models import HeldByFiles
from web.claims import Claimable, ClaimableQuerySet, held_index


class Method(models.TextChoices):
    PACKING = "packing", "packing"
    SIMULATION = "simulation", "interaction simulation"
    CORRECTION = "correction", "code correction"
    SIMILAR = "similar", "similar problems"
    FOLLOWUP = "followup", "follow-ups"
    IMPORTED = "imported", "imported"


class State(models.TextChoices):
    DRAFT = "draft", "draft"
    IN_REVIEW = "in_review", "in review"
    NEEDS_WORK = "needs_work", "needs work"
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"
    # Its source was withdrawn after it had left in an export: it stays for the record and never leaves again.
    WITHDRAWN = "withdrawn", "withdrawn"


class DialogueQuerySet(ClaimableQuerySet):
    """Questions asked of many dialogues."""

    def awaiting_review(self) -> Self:
        """Dialogues in review that still want a reviewer's word, oldest first."""
        return self.wanting().filter(state=State.IN_REVIEW).order_by("pk")

    def approved(self) -> Self:
        return self.filter(state=State.APPROVED)


# Exported once, and no longer approved.
EXPORTED_BEFORE = Q(exported=True) & ~Q(state="approved")


class Dialogue(Claimable, HeldByFiles):
    """A multi-turn dialogue on its way to the file. Its primary key is the exported id."""

    method = models.CharField(max_length=12, choices=Method)
    item = models.OneToOneField(
        "runs.WorkItem", null=True, blank=True, on_delete=models.PROTECT, related_name="dialogue"
    )
    source = models.ForeignKey(
        "curation.Source",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="dialogues",
        help_text="where it came from; of one that was built here, where its first seed came from",
    )
    batch = models.ForeignKey(
        "curation.ImportBatch", null=True, blank=True, on_delete=models.PROTECT, related_name="dialogues"
    )
    external_id = models.CharField(max_length=128, blank=True)
    text_hash = models.CharField(max_length=64, blank=True, help_text="of the imported messages; empty when built here")
    state = models.CharField(max_length=12, choices=State, default=State.IN_REVIEW)
    title = models.CharField(max_length=200, blank=True, help_text="start of the first turn, for lists")
    language = models.CharField(max_length=32, blank=True)
    family = models.CharField(max_length=64, blank=True)
    flags = models.JSONField(default=list, blank=True, help_text="names of consistency checks that found something")
    scripted = models.BooleanField(default=False, help_text="Its turns came from the scripted demo model.")
    last_run_clean = models.BooleanField(null=True, help_text="null: it holds no code that was run")
    approved_version = models.ForeignKey(
        "dialogues.Version",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="what leaves in an export; not always the newest, since an approval can be undone",
    )
    exported = models.BooleanField(default=False, help_text="A version of it stands in a finished export.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = DialogueQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            # Lists: each filter finds its rows in the order in which they are shown. What stands behind the key, the
            # database need not look up in the row.
            models.Index(fields=["id"], name="dialogue_list_newest"),
            models.Index(fields=["state", "id"], name="dialogue_list_by_state"),
            models.Index(fields=["method", "id"], name="dialogue_by_method"),
            models.Index(fields=["state", "method", "id", "exported"], name="dialogue_by_state_method"),
            models.Index(fields=["language", "id"], name="dialogue_list_by_language"),
            models.Index(fields=["source", "id"], name="dialogue_list_by_source"),
            models.Index(fields=["source", "state", "id", "method"], name="dialogue_list_source_state"),
            models.Index(fields=["exported", "state", "id"], name="dialogue_list_exported"),
            models.Index(fields=["source", "exported", "state", "id"], name="dialogue_list_source_exported"),
            models.Index(fields=["-id", "state"], name="dialogue_exported_before", condition=EXPORTED_BEFORE),
            held_index("dialogue_held"),
            # Counts: one GROUP BY reads the index alone.
            models.Index(fields=["language", "state", "method", "source"], name="dialogue_by_language_state"),
            # The queue reads this index alone, in its order.
            models.Index(
                fields=["state", "id", "claimed_until", "claimed_by", "reviews_given", "reviews_wanted"],
                name="dialogue_review_queue",
                condition=Q(state="in_review", reviews_given__lt=F("reviews_wanted")),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(method__in=Method.values), name="dialogue_method_known"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="dialogue_state_known"),
            models.CheckConstraint(
                condition=Q(state="approved") | Q(approved_version__isnull=True), name="dialogue_version_when_approved"
            ),
            models.UniqueConstraint(fields=["text_hash"], condition=~Q(text_hash=""), name="dialogue_imported_once"),
        ]

    def __str__(self) -> str:
        return f"dialogue {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("dialogues:detail", args=[self.pk])


class Seed(models.Model):
    """What a dialogue was grown from. A rejected dialogue keeps its seeds."""

    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="seeds")
    position = models.PositiveSmallIntegerField()
    query = models.ForeignKey("curation.Query", null=True, blank=True, on_delete=models.PROTECT, related_name="seeds")
    problem = models.ForeignKey(
        "curation.Problem", null=True, blank=True, on_delete=models.PROTECT, related_name="seeds"
    )
    solution = models.ForeignKey(
        "curation.Solution", null=True, blank=True, on_delete=models.PROTECT, related_name="seeds"
    )
    use = models.CharField(max_length=12, choices=Method)

    class Meta:
        ordering = ["dialogue", "position"]
        constraints = [
            models.UniqueConstraint(fields=["dialogue", "position"], name="seed_position_once"),
            # The paper's packing: no instruction twice in the whole set.
            models.UniqueConstraint(fields=["query"], condition=Q(use="packing"), name="seed_query_packed_once"),
            models.CheckConstraint(
                condition=Q(query__isnull=False, problem__isnull=True, solution__isnull=True)
                | Q(query__isnull=True, problem__isnull=False),
                name="seed_is_a_query_or_a_problem",
            ),
        ]

    def __str__(self) -> str:
        return f"seed {self.position} of {self.dialogue_id}"


class Role(models.TextChoices):
    USER = "user", "user"
    ASSISTANT = "assistant", "assistant"


class TurnKind(models.TextChoices):
    QUERY = "query", "query"
    ANSWER = "answer", "answer"
    EXECUTION = "execution", "execution"
    FEEDBACK = "feedback", "feedback"


class AuthorKind(models.TextChoices):
    MODEL = "model", "model"
    PERSON = "person", "person"
    SOURCE = "source", "source"


class Turn(models.Model):
    """One message. `execution` is the run this turn reports (execution turns) or the run of its code (answers)."""

    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="turns")
    position = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=12, choices=Role)
    kind = models.CharField(max_length=12, choices=TurnKind)
    content = models.TextField()
    original_content = models.TextField(help_text="as it was built or imported")
    category = models.CharField(max_length=48, blank=True, help_text="of a feedback turn: one of the ten")
    not_satisfied = models.TextField(blank=True, help_text="of a feedback turn: what the user misses")
    author_kind = models.CharField(max_length=8, choices=AuthorKind)
    stale = models.BooleanField(default=False, help_text="A turn it depends on was edited after it.")
    call = models.ForeignKey("runs.Call", null=True, blank=True, on_delete=models.PROTECT, related_name="turns")
    execution = models.ForeignKey(
        "runs.Execution", null=True, blank=True, on_delete=models.PROTECT, related_name="turns"
    )
    seed = models.ForeignKey(Seed, null=True, blank=True, on_delete=models.SET_NULL, related_name="turns")

    class Meta:
        ordering = ["dialogue", "position"]
        constraints = [
            models.UniqueConstraint(fields=["dialogue", "position"], name="turn_position_once"),
            models.CheckConstraint(condition=~Q(content=""), name="turn_not_empty"),
            # Position 0 is the user's; from there on the roles alternate.
            models.CheckConstraint(
                condition=Q(role="user", kind__in=["query", "execution", "feedback"])
                | Q(role="assistant", kind="answer"),
                name="turn_kind_fits_role",
            ),
        ]

    def __str__(self) -> str:
        return f"turn {self.position} of {self.dialogue_id}"

    @property
    def is_editable(self) -> bool:
        """Human-feedback turns are what reviewers edit."""
        return self.kind == TurnKind.FEEDBACK
