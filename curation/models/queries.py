"""The query: one row per distinct text, with the facts that decide where it stands."""

from collections.abc import Sequence
from typing import Self

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Coalesce
from django.urls import reverse

from web.claims import Claimable, ClaimableQuerySet, held_index


class Contamination(models.TextChoices):
    NONE = "none", "none found"
    SUSPECT = "suspect", "suspect"
    SET_ASIDE = "set_aside", "set aside"
    CLEARED = "cleared", "cleared by a person"


class Scoring(models.TextChoices):
    """What the judges that count have answered so far."""

    NONE = "none", "not every judge has answered"
    READABLE = "readable", "every judge gave a readable score"
    UNREADABLE = "unreadable", "a judge gave no readable score"


class Decision(models.TextChoices):
    NONE = "none", "undecided"
    KEEP = "keep", "keep"
    DROP = "drop", "drop"


class Stage(models.TextChoices):
    """Where a query stands; computed by the database from the facts, written by nobody."""

    DUPLICATE = "duplicate", "duplicate"
    SET_ASIDE = "set_aside", "set aside"
    KEPT = "kept", "kept"
    DROPPED = "dropped", "dropped"
    UNREADABLE = "unreadable", "unreadable"
    SCORED = "scored", "scored"
    UNSCORED = "unscored", "unscored"


WIDEST_GAP = 9.0
CONTAMINATED = ~Q(contamination="none")
VERDICT = "verdict"  # the decision_rule of a query that a person decided
WAITS_FOR_USE = Q(stage="kept", used=False)

STAGE_OF_FACTS = Case(
    When(duplicate_of__isnull=False, then=Value(Stage.DUPLICATE.value)),
    When(contamination=Contamination.SET_ASIDE.value, then=Value(Stage.SET_ASIDE.value)),
    When(decision=Decision.KEEP.value, then=Value(Stage.KEPT.value)),
    When(decision=Decision.DROP.value, then=Value(Stage.DROPPED.value)),
    When(scoring=Scoring.UNREADABLE.value, then=Value(Stage.UNREADABLE.value)),
    When(scoring=Scoring.READABLE.value, then=Value(Stage.SCORED.value)),
    default=Value(Stage.UNSCORED.value),
    output_field=models.CharField(max_length=12),
)


# What a queue looks at before it hands a query out.
QUEUE_COLUMNS = (
    "duplicate_of",
    "contamination",
    "claimed_until",
    "claimed_by",
    "reviews_given",
    "reviews_wanted",
    "source",
    "language",
)
# Risk of a flip first, then the gap on one scale, then the rarity of the cell: three figures in one number.
RISK_PLACES, GAP_PLACES = 10_000_000, 10_000
# Above every dispute: a sample that was asked for comes first.
SAMPLES_FROM = 1_100_000_000

AUDIT_ORDER = Case(
    When(audit_place__isnull=False, then=F("audit_place")),
    When(
        disputed=True,
        then=F("flip_risk") * RISK_PLACES
        + Cast(Coalesce(F("linked_gap"), Value(WIDEST_GAP)) * Value(100.0), models.IntegerField()) * GAP_PLACES
        + F("cell_rarity"),
    ),
    default=None,
    output_field=models.IntegerField(),
)


class QueryQuerySet(ClaimableQuerySet):
    """Questions asked of many queries."""

    def in_play(self) -> Self:
        """Neither a duplicate nor set aside for contamination."""
        # By the columns that the indexes of counts and queues hold, not through the stage, which they lack. Nor is "is
        # null" said of the original: for the sake of its own index SQLite would leave better ones.
        return self.exclude(Q(duplicate_of__isnull=False) | Q(contamination=Contamination.SET_ASIDE))

    def kept(self) -> Self:
        """Queries that the rule or a person keeps: what dialogues are built from."""
        return self.filter(stage=Stage.KEPT)

    def decided_by_rules(self) -> Self:
        """All that no person's word decided; that stays, whatever a rule says."""
        return self.exclude(decision_rule=VERDICT)

    def suspects(self) -> Self:
        """Suspected of holding a benchmark's task, the likeliest first."""
        return self.filter(contamination=Contamination.SUSPECT, duplicate_of=None).order_by("-suspicion", "pk")

    def open_to_audit(self) -> Self:
        """Scored queries in play that still want a verdict, disputed or not."""
        return self.in_play().wanting().exclude(scoring=Scoring.NONE)

    def narrowable(self) -> Self:
        """With source and language under further names: by their own, SQLite would leave a queue's index for theirs."""
        return self.annotate(origin=Coalesce("source_id", 0), written_in=Coalesce("language", Value("")))

    def awaiting_audit(self) -> Self:
        """The audit queue: disputes, controls and a drawn sample that still want a verdict, riskiest first."""
        queue = self.narrowable().in_play().wanting().filter(audit_order__isnull=False)
        return queue.order_by("-audit_order", "pk")

    def awaiting_audit_in(self, patterns: Sequence[str]) -> Self:
        """The queue of a cell: every query with these scores that still wants a verdict."""
        # One pattern as an equation, so that the index also gives the order.
        cell = Q(ratings=patterns[0]) if len(patterns) == 1 else Q(ratings__in=patterns)
        queue = self.narrowable().in_play().wanting().filter(cell, ratings__gt="")
        return queue.order_by("ratings", "pk")


class Query(Claimable):
    """A distinct code query. The text is stored as it came; the first response stays."""

    text = models.TextField()
    response = models.TextField(blank=True)
    language = models.CharField(max_length=32, blank=True, help_text="programming language; empty: unknown")
    natural_language = models.CharField(
        max_length=8,
        null=True,
        blank=True,
        help_text="in which the text is written, ISO 639; und: cannot be told; null: not looked at",
    )
    tags = models.JSONField(default=list, blank=True)
    text_hash = models.CharField(max_length=64, unique=True)
    # Wider indexes lead with the source, and most queries are no duplicate: their own would cost each change a write.
    source = models.ForeignKey("curation.Source", on_delete=models.PROTECT, related_name="queries", db_index=False)
    batch = models.ForeignKey("curation.ImportBatch", on_delete=models.PROTECT, related_name="queries")
    created_at = models.DateTimeField(auto_now_add=True)

    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="duplicates", db_index=False
    )
    duplicate_reason = models.CharField(max_length=200, blank=True)
    contamination = models.CharField(max_length=12, choices=Contamination, default=Contamination.NONE)
    suspicion = models.FloatField(
        null=True,
        blank=True,
        help_text="how near the nearest benchmark task is; the queue's order",
    )

    ratings = models.CharField(
        max_length=200, blank=True, help_text="the scores of the judges that count, by judge: 3=4 7=2"
    )
    expected = models.FloatField(null=True, blank=True, help_text="mean of their expected scores, where all have one")
    scoring = models.CharField(max_length=12, choices=Scoring, default=Scoring.NONE)
    mean = models.FloatField(null=True, blank=True, help_text="mean of the raw scores of the judges that count")
    raw_gap = models.SmallIntegerField(null=True, blank=True)
    linked_gap = models.FloatField(null=True, blank=True, help_text="gap after linking B's scale to A's")
    disputed = models.BooleanField(default=False)
    flip_risk = models.PositiveSmallIntegerField(
        default=0, help_text="hundredths: 100 where the rule’s figure lies at its threshold, or there is none"
    )
    cell_rarity = models.PositiveSmallIntegerField(
        default=0, help_text="by how many half orders of magnitude its cell is smaller than the pool"
    )
    audit_place = models.PositiveIntegerField(
        null=True, blank=True, help_text="where a query that was picked as control or for a sample stands in the queue"
    )
    decision = models.CharField(max_length=8, choices=Decision, default=Decision.NONE)
    decision_rule = models.CharField(max_length=64, blank=True, help_text="rule and threshold, or `verdict`")
    decision_version = models.PositiveIntegerField(default=0, help_text="how often this query has been decided")
    decision_inputs = models.JSONField(default=dict, blank=True, help_text="raw and linked score by template")
    decided_at = models.DateTimeField(null=True, blank=True)

    used = models.BooleanField(default=False, help_text="A dialogue was grown from it.")

    stage = models.GeneratedField(
        expression=STAGE_OF_FACTS, output_field=models.CharField(max_length=12), db_persist=True
    )
    # How far apart the judges stand; a side without a readable score is the widest gap of all.
    dispute_size = models.GeneratedField(
        expression=Coalesce(F("linked_gap"), Value(WIDEST_GAP)), output_field=models.FloatField(), db_persist=True
    )
    # Where it stands in the audit queue, the highest first; null: it is not in the queue.
    audit_order = models.GeneratedField(expression=AUDIT_ORDER, output_field=models.IntegerField(), db_persist=True)

    objects = QueryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "queries"
        indexes = [
            # Lists: each filter finds its rows in the order in which they are shown. What stands behind the key, the
            # database need not look up in the row.
            models.Index(fields=["id"], name="query_list_newest"),
            models.Index(fields=["stage", "id"], name="query_list_by_stage"),
            models.Index(fields=["source", "id", "used"], name="query_list_by_source"),
            models.Index(fields=["source", "stage", "id", "used"], name="query_list_by_source_stage"),
            models.Index(fields=["id", "stage", "source"], name="query_list_used_newest", condition=Q(used=True)),
            models.Index(fields=["stage", "id"], name="query_list_used", condition=Q(used=True)),
            models.Index(fields=["id"], name="query_list_unused", condition=WAITS_FOR_USE),
            models.Index(fields=["source", "id"], name="query_list_unused_source", condition=WAITS_FOR_USE),
            models.Index(fields=["language", "id", "used"], name="query_list_by_language"),
            models.Index(fields=["natural_language", "id"], name="query_list_by_natural_language"),
            models.Index(fields=["contamination", "id"], name="query_contaminated", condition=CONTAMINATED),
            models.Index(
                fields=["-dispute_size", "id", "source", "language"],
                name="query_list_disputed",
                condition=Q(disputed=True),
            ),
            models.Index(
                fields=["stage", "-dispute_size", "id"], name="query_list_disputed_stage", condition=Q(disputed=True)
            ),
            models.Index(fields=["source", "stage"], name="query_disputed_by_source", condition=Q(disputed=True)),
            # The queue of suspects is read from this index alone.
            models.Index(
                fields=["-suspicion", "id", "duplicate_of", "claimed_until", "claimed_by"],
                name="query_suspects",
                condition=Q(contamination="suspect"),
            ),
            models.Index(fields=["duplicate_of"], name="query_duplicates", condition=Q(duplicate_of__isnull=False)),
            held_index("query_held"),
            # Of what `decide` writes they hold the decision alone: each further column would move all their entries.
            models.Index(fields=["ratings", "decision", "duplicate_of", "contamination"], name="query_by_ratings"),
            models.Index(
                # By the key: in the order of the values a block of decisions would be written all over it.
                fields=["id", "expected", "decision", "duplicate_of", "contamination"],
                name="query_by_expected",
                condition=Q(expected__isnull=False),
            ),
            # Each queue reads its index alone; SQLite would else walk a wider one past all judged rows.
            models.Index(
                fields=["-audit_order", "id", *QUEUE_COLUMNS],
                name="query_audit_queue",
                condition=Q(audit_order__isnull=False, reviews_given__lt=F("reviews_wanted")),
            ),
            models.Index(
                fields=["source", "language"],
                name="query_audited",
                condition=Q(audit_order__isnull=False, reviews_given__gte=F("reviews_wanted")),
            ),
            models.Index(
                fields=["ratings", "id", *QUEUE_COLUMNS],
                name="query_cell_queue",
                condition=Q(ratings__gt="", reviews_given__lt=F("reviews_wanted")),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(contamination__in=Contamination.values), name="query_contamination_known"
            ),
            models.CheckConstraint(condition=Q(scoring__in=Scoring.values), name="query_scoring_known"),
            models.CheckConstraint(condition=Q(decision__in=Decision.values), name="query_decision_known"),
            models.CheckConstraint(
                condition=Q(decision="none") | (~Q(decision_rule="") & Q(decided_at__isnull=False)),
                name="query_decision_says_why",
            ),
            # A missing or unreadable score is never kept by a rule; only a person's verdict may.
            models.CheckConstraint(
                condition=~Q(decision="keep") | Q(scoring="readable") | Q(decision_rule="verdict"),
                name="query_kept_is_readable",
            ),
            models.CheckConstraint(condition=Q(flip_risk__lte=100), name="query_flip_risk_in_hundredths"),
            models.CheckConstraint(condition=~Q(duplicate_of=F("id")), name="query_not_its_own_duplicate"),
        ]

    def __str__(self) -> str:
        return f"query {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("curation:query", args=[self.pk])
