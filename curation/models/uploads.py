"""Files that came through the browser and wait on disk until their import has ended."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.urls import reverse

FOLDER = "uploads"


def uploads_folder() -> Path:
    """Where uploaded files lie; web and workers have to see the same folder."""
    return Path(settings.VAR_DIR) / FOLDER


class Upload(models.Model):
    """One such file. It lies under `key`; the name it came with is text and never a path."""

    key = models.CharField(max_length=32, unique=True)
    file_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    choice = models.JSONField(default=dict, blank=True, help_text="as what the file is read, and into which source")
    batch = models.OneToOneField(
        "curation.ImportBatch", null=True, blank=True, on_delete=models.CASCADE, related_name="upload"
    )
    bytes_read = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="times a worker began and did not come to an end")
    handed_at = models.DateTimeField(null=True, blank=True, help_text="when a worker was last told of it")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="uploads")
    came_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"upload {self.pk}: {self.file_name}"

    def get_absolute_url(self) -> str:
        return reverse("dialogues:upload", args=[self.pk])

    @property
    def path(self) -> Path:
        return uploads_folder() / self.key
