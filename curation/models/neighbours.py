"""What lies near what: clusters of queries that are alike, pairs that a person told apart, and stored vectors."""

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from curation.models.pool_passes import PoolPass, PoolPassQuerySet


class ClusterKind(models.TextChoices):
    """How the queries of a cluster are alike; the first two are merged, the others only linked."""

    FORM = "form", "same words"
    NEAR = "near", "near-duplicates"
    VARIANT = "variant", "variants"
    PARAPHRASE = "paraphrase", "paraphrases"


class CompareBy(models.TextChoices):
    """What a search for duplicates compares."""

    FORM = "form", "form: equal but for case, punctuation and courtesies"
    WORDS = "words", "words: also slips, other names, other numbers"
    MEANING = "meaning", "meaning: also paraphrases, by embeddings"


MERGED = (ClusterKind.FORM, ClusterKind.NEAR)


class DuplicateCluster(models.Model):
    """Queries that are alike, with the one that stands for them. An undone cluster has size 0."""

    representative = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="represents")
    source = models.ForeignKey(
        "curation.Source", on_delete=models.CASCADE, related_name="+", help_text="that of the representative"
    )
    kind = models.CharField(max_length=12, choices=ClusterKind)
    size = models.PositiveIntegerField(default=0, help_text="the representative counts too")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-size", "pk"]
        indexes = [
            models.Index(fields=["-size", "-id"], name="cluster_list", condition=Q(size__gt=1)),
            models.Index(fields=["kind", "-size", "-id"], name="cluster_list_by_kind", condition=Q(size__gt=1)),
            models.Index(fields=["source", "-size", "-id"], name="cluster_list_by_source", condition=Q(size__gt=1)),
            models.Index(fields=["source", "kind"], name="cluster_by_source_kind", condition=Q(size__gt=1)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ClusterKind.values), name="cluster_kind_known"),
            models.CheckConstraint(condition=~Q(size=1), name="cluster_of_several"),
            models.UniqueConstraint(
                fields=["representative"],
                condition=Q(kind__in=["form", "near"], size__gt=0),
                name="cluster_merged_once",
            ),
            models.UniqueConstraint(
                fields=["representative"], condition=Q(kind="variant", size__gt=0), name="cluster_variants_once"
            ),
            models.UniqueConstraint(
                fields=["representative"], condition=Q(kind="paraphrase", size__gt=0), name="cluster_paraphrases_once"
            ),
        ]

    def __str__(self) -> str:
        return f"cluster of {self.size} around query {self.representative_id}"

    def get_absolute_url(self) -> str:
        return reverse("curation:cluster", args=[self.pk])

    @property
    def is_merged(self) -> bool:
        """Whether its members are out of play as duplicates of the representative."""
        return self.kind in MERGED


class ClusterMember(models.Model):
    """A query in a cluster beside its representative, and in what the two differ."""

    cluster = models.ForeignKey(DuplicateCluster, on_delete=models.CASCADE, related_name="members")
    query = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="memberships")
    how = models.CharField(max_length=12, help_text="in what it differs from the representative")
    similarity = models.FloatField(null=True, blank=True, help_text="of meaning, where that proposed it")
    stands = models.BooleanField(default=False, help_text="not undone")
    settled = models.BooleanField(default=False, help_text="a person said so")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["cluster", "query"], name="member_once_per_cluster")]

    def __str__(self) -> str:
        return f"query {self.query_id} in cluster {self.cluster_id}"

    def get_absolute_url(self) -> str:
        """Its place on the page of the cluster."""
        return f"{reverse('curation:cluster', args=[self.cluster_id])}?member={self.query_id}#member-{self.query_id}"


class Distinction(models.Model):
    """Two queries of which a person said that they ask for different things; no pass merges or links them again."""

    first = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("curation.Query", on_delete=models.CASCADE, related_name="+")
    stands = models.BooleanField(default=False, help_text="not undone")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="distinction_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="distinction_in_order"),
        ]

    def __str__(self) -> str:
        return f"query {self.first_id} is not query {self.second_id}"


class DuplicatePass(PoolPass):
    """One search for duplicates, and what it compared."""

    compare_by = models.CharField(max_length=8, choices=CompareBy, default=CompareBy.WORDS)

    objects = PoolPassQuerySet.as_manager()

    class Meta(PoolPass.Meta):
        constraints = [
            *PoolPass.Meta.constraints,
            models.CheckConstraint(condition=Q(compare_by__in=CompareBy.values), name="duplicate_pass_by_known"),
        ]

    def __str__(self) -> str:
        return f"search for duplicates {self.pk}"

    @property
    def what(self) -> str:
        """What was asked for, in few words."""
        return f"by {self.compare_by}"


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
