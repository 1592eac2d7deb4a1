"""What lies near what: clusters of near-duplicates, and stored embedding vectors."""

from django.db import models


class DuplicateCluster(models.Model):
    """Queries that ask the same thing, with the one that stands for them."""

    representative = models.OneToOneField("curation.Query", on_delete=models.CASCADE, related_name="represents")
    method = models.CharField(max_length=32)
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-size", "pk"]

    def __str__(self) -> str:
        return f"cluster of {self.size} around query {self.representative_id}"


class Vector(models.Model):
    """The embedding of one text by one model, as little-endian float32 of unit length."""

    text_hash = models.CharField(max_length=64)
    model = models.CharField(max_length=128)
    values = models.BinaryField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["text_hash", "model"], name="vector_once_per_model")]

    def __str__(self) -> str:
        return f"{self.model} of {self.text_hash[:12]}"
