"""What leaves the house: frozen versions of approved dialogues, and the exports that listed them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from dialogues.models.dialogues import Dialogue
from web.counts import counted


class Version(models.Model):
    """The messages of a dialogue as they were approved: canonical JSON text, never changed."""

    dialogue = models.ForeignKey(Dialogue, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    messages = models.TextField(help_text="canonical JSON: a list of {role, content}")
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="versions")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["dialogue", "-number"]
        constraints = [models.UniqueConstraint(fields=["dialogue", "number"], name="version_number_once")]

    def __str__(self) -> str:
        return f"version {self.number} of dialogue {self.dialogue_id}"


class Export(models.Model):
    """One file that was written: its layout, its filters, the versions in it in order of dialogue id."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    file_name = models.CharField(max_length=255)
    layout = models.CharField(max_length=24)
    filters = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    version_ids = models.JSONField(default=list)
    dialogues = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0, help_text="approved dialogues that broke a rule of the layout")
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    marked = models.BooleanField(default=False, help_text="Each of its dialogues says that it has left.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="exports")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(state="done") | ~Q(sha256=""), name="export_done_has_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({counted(self.dialogues, 'dialogue')})"
