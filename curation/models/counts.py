"""How many queries and lines stand where: small tables that the database keeps beside the large ones."""

from typing import Any, Self

from django.db import models

from curation.models.queries import Decision, Stage

OUT_OF_PLAY = (Stage.DUPLICATE, Stage.SET_ASIDE)
# Expected scores are counted by the hundredth.
HUNDREDTHS = 100


def _to_source() -> Any:
    """A cell may outlive its source while it counts nothing."""
    return models.ForeignKey(
        "curation.Source", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class QueryCountQuerySet(models.QuerySet["QueryCount"]):
    def in_play(self) -> Self:
        """Cells of queries that are neither a duplicate nor set aside."""
        return self.exclude(stage__in=OUT_OF_PLAY)


class QueryCount(models.Model):
    """All queries, by what lists of them are narrowed by."""

    source = _to_source()
    language = models.CharField(max_length=32)
    natural_language = models.CharField(max_length=8, help_text="empty: not looked at")
    stage = models.CharField(max_length=12, choices=Stage)
    disputed = models.BooleanField()
    used = models.BooleanField()
    n = models.IntegerField()

    objects = QueryCountQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.n} {self.stage}"


class RatingCount(models.Model):
    """Queries in play by what the judges that count said, how it was decided, and whether people are to judge it.

    `ratings` is empty where not every judge has answered: those are counted only while they are in the audit queue.
    """

    source = _to_source()
    language = models.CharField(max_length=32)
    ratings = models.CharField(max_length=200)
    decision = models.CharField(max_length=8, choices=Decision)
    by_person = models.BooleanField()
    queued = models.BooleanField(help_text="it has a place in the audit queue, judged or not")
    judged = models.BooleanField(help_text="people have judged it as often as was wanted")
    n = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.n} with {self.ratings}"


class ExpectedCount(models.Model):
    """Queries in play with an expected score, by its hundredths (cut off, not rounded) and how it was decided."""

    hundredth = models.IntegerField()
    decision = models.CharField(max_length=8, choices=Decision)
    by_person = models.BooleanField()
    n = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.n} at {self.hundredth / HUNDREDTHS:.2f}"


class LineCount(models.Model):
    """Lines of files that hold a query, by file."""

    batch = models.ForeignKey(
        "curation.ImportBatch", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    repeats = models.BooleanField(help_text="the query was known already")
    n = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.n} lines of file {self.batch_id}"


KEPT_COUNTS: tuple[type[models.Model], ...] = (QueryCount, RatingCount, ExpectedCount, LineCount)
