"""The funnel: how many records of each source reached each step, from the line that was read to the line exported.

read = rejected + duplicates + accepted, and accepted is the sum of the stages from near_duplicates to dropped.
"""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce

from curation.models import ImportBatch, Query, Source, Stage
from dialogues.models import Dialogue, Export, Seed, State, Version

BLOCK_ROWS = 500

STEP_OF_STAGE = {
    Stage.DUPLICATE: "near_duplicates",
    Stage.SET_ASIDE: "set_aside",
    Stage.UNSCORED: "unscored",
    Stage.UNREADABLE: "unreadable",
    Stage.SCORED: "scored",
    Stage.KEPT: "kept",
    Stage.DROPPED: "dropped",
}
STEP_OF_STATE = {State.IN_REVIEW: "in_review", State.NEEDS_WORK: "needs_work", State.APPROVED: "approved"}
STEPS = (
    "read",
    "rejected",
    "duplicates",
    "accepted",
    *STEP_OF_STAGE.values(),
    "used",
    "dialogues",
    *STEP_OF_STATE.values(),
    "exported",
)

# (source, step) → how many
Reached = Counter[tuple[int, str]]


def funnel() -> dict[str, dict[str, int]]:
    """Slug of each source → step → how many; each number is one GROUP BY."""
    reached = _read() + _staged() + _used() + _in_dialogues() + _exported()
    return {
        slug: {step: reached[source_id, step] for step in STEPS}
        for source_id, slug in Source.objects.values_list("pk", "slug")
    }


def totals(rows: dict[str, dict[str, int]]) -> dict[str, int]:
    """The funnel of all sources together."""
    return {step: sum(row[step] for row in rows.values()) for step in STEPS}


def _read() -> Reached:
    """What the import batches of queries counted."""
    columns = ("read", "rejected", "duplicates", "accepted")
    sums = (
        ImportBatch.objects.filter(holds=ImportBatch.Holds.QUERIES)
        .order_by()
        .values_list("source_id")
        .annotate(*(Sum(column) for column in columns))
    )
    return Counter({(source_id, step): n for source_id, *found in sums for step, n in zip(columns, found, strict=True)})


def _staged() -> Reached:
    rows = Query.objects.order_by().values_list("source_id", "stage").annotate(Count("pk"))
    return Counter({(source_id, STEP_OF_STAGE[Stage(stage)]): n for source_id, stage, n in rows})


def _used() -> Reached:
    """Queries from which a dialogue was grown, by any method."""
    rows = (
        Seed.objects.filter(query__isnull=False)
        .order_by()
        .values_list("query__source_id")
        .annotate(Count("query", distinct=True))
    )
    return Counter({(source_id, "used"): n for source_id, n in rows})


def _in_dialogues() -> Reached:
    reached: Reached = Counter()
    for source_id, state, n in _by_source(Dialogue.objects.all()):
        reached[source_id, "dialogues"] += n
        if state in STEP_OF_STATE:
            reached[source_id, STEP_OF_STATE[State(state)]] += n
    return reached


def _exported() -> Reached:
    """Dialogues in the newest finished export."""
    reached: Reached = Counter()
    newest = Export.objects.filter(state=Export.State.DONE).first()
    version_ids: list[int] = newest.version_ids if newest else []
    for start in range(0, len(version_ids), BLOCK_ROWS):
        versions = Version.objects.filter(pk__in=version_ids[start : start + BLOCK_ROWS])
        for source_id, _, n in _by_source(Dialogue.objects.filter(pk__in=versions.values("dialogue"))):
            reached[source_id, "exported"] += n
    return reached


def _by_source(dialogues: QuerySet[Dialogue]) -> Iterator[tuple[int, str, int]]:
    """Source, state, how many: each dialogue counts once, for its own source or that of its first seed."""
    imported = dialogues.filter(source__isnull=False).order_by().values_list("source_id", "state")
    yield from imported.annotate(Count("pk"))
    grown = Seed.objects.filter(position=0, dialogue__in=dialogues.filter(source__isnull=True)).order_by()
    homes = grown.annotate(home=Coalesce("query__source", "problem__source"))
    yield from homes.values_list("home", "dialogue__state").annotate(Count("pk"))
