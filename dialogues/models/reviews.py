"""What people did with dialogues: reviews, revisions, comments, skips, replaced tails."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from dialogues.models.dialogues import Dialogue, Turn


class Revision(models.Model):
    """An edit of one turn: what it said before. Append-only."""

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    content_before = models.TextField()
    content_after = models.TextField()
    category_before = models.CharField(max_length=48, blank=True)
    category_after = models.CharField(max_length=48, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="revisions")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["turn", "number"]
        constraints = [models.UniqueConstraint(fields=["turn", "number"], name="revision_number_once")]

    def __str__(self) -> str:
        return f"revision {self.number} of turn {self.turn_id}"


class Branch(models.Model):
    """The tail of a dialogue that was replaced by a regenerated one."""

    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="branches")
    from_position = models.PositiveSmallIntegerField()
    turns = models.JSONField(help_text="the replaced turns, in order")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "branches"

    def __str__(self) -> str:
        return f"tail of {self.dialogue_id} from turn {self.from_position}"


class Review(models.Model):
    """One decision of one person on one version of a dialogue. Append-only."""

    class Outcome(models.TextChoices):
        APPROVED = "approved", "approved"
        NEEDS_WORK = "needs_work", "needs work"
        REJECTED = "rejected", "rejected"

    dialogue = models.ForeignKey(Dialogue, on_delete=models.PROTECT, related_name="reviews")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="reviews")
    outcome = models.CharField(max_length=12, choices=Outcome)
    reason = models.TextField(blank=True)
    dialogue_version = models.PositiveIntegerField()
    edited = models.BooleanField(default=False, help_text="The reviewer had edited a turn before deciding.")
    withdrawn = models.BooleanField(default=False, help_text="Undone by an action; kept for the record.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["by", "-id"], name="review_by_person"),
            models.Index(fields=["dialogue", "by"], name="review_by_dialogue"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(outcome="approved") | ~Q(reason=""), name="review_refusal_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome}: dialogue {self.dialogue_id}"


class Comment(models.Model):
    """A remark on a dialogue or one of its turns."""

    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="comments")
    turn = models.ForeignKey(Turn, null=True, blank=True, on_delete=models.SET_NULL, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"comment on {self.dialogue_id}"
