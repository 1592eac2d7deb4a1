"""The funnel: how many records of each source reached each step, from the line that was read to the file that left.

Each count is that of the rows themselves (or kept beside them by the database), so that it equals the length of the
list that shows them.
"""

from collections import Counter

from django.db.models import Count, Exists, OuterRef

from curation.intake.reasons import kind_of_reason
from curation.models import ImportBatch, LineCount, QueryCount, RejectedRecord, Source, Stage
from dialogues.models import Dialogue, State
from web.kept_counts import summed

# Each step is the sum of its parts; the first part is the one that goes on.
PARTS = {
    "read": ("accepted", "duplicates", "rejected"),
    "accepted": ("in_play", "near_duplicates", "set_aside"),
    "in_play": ("scored", "unscored"),
    "scored": ("kept", "dropped", "undecided", "unreadable"),
    "kept": ("used", "unused"),
    "dialogues": ("approved", "in_review", "needs_work", "drafts", "turned_down"),
    "approved": ("exported", "unexported"),
}
# What was decided otherwise after it had gone on; no part of any sum.
AFTERWARDS = ("used_not_kept", "exported_not_approved", "withdrawn")
STEPS = (
    "read",
    *(part for step, parts in PARTS.items() for part in (("dialogues",) if step == "dialogues" else ()) + parts),
    *AFTERWARDS,
)

STEP_OF_STAGE = {
    Stage.DUPLICATE: "near_duplicates",
    Stage.SET_ASIDE: "set_aside",
    Stage.UNSCORED: "unscored",
    Stage.UNREADABLE: "unreadable",
    Stage.SCORED: "undecided",
    Stage.KEPT: "kept",
    Stage.DROPPED: "dropped",
}
STEP_OF_STATE = {
    State.DRAFT: "drafts",
    State.IN_REVIEW: "in_review",
    State.NEEDS_WORK: "needs_work",
    State.APPROVED: "approved",
    State.REJECTED: "turned_down",
}

# (source, step) → how many
Reached = Counter[tuple[int, str]]
Row = dict[str, int]


def funnel() -> dict[str, Row]:
    """Slug of each source → step → how many. What holds benchmarks alone is no source of queries."""
    reached = _lines() + _queries() + _dialogues()
    return {slug: {step: reached[source_id, step] for step in STEPS} for source_id, slug in _sources()}


def _sources() -> list[tuple[int, str]]:
    batches = ImportBatch.objects.filter(source=OuterRef("pk"))
    benchmarks = batches.filter(holds=ImportBatch.Holds.BENCHMARK)
    others = batches.exclude(holds=ImportBatch.Holds.BENCHMARK)
    return list(Source.objects.exclude(Exists(benchmarks), ~Exists(others)).values_list("pk", "slug"))


def totals(rows: dict[str, Row]) -> Row:
    """The funnel of all sources together. Withdrawn dialogues that stay for the record have no source any more."""
    together = {step: sum(row[step] for row in rows.values()) for step in STEPS}
    return together | {"withdrawn": Dialogue.objects.filter(state=State.WITHDRAWN).count()}


def not_adding_up(row: Row) -> list[str]:
    """The steps that are not the sum of their parts; there should be none."""
    return [step for step, parts in PARTS.items() if row[step] != sum(row[part] for part in parts)]


def reasons(source: str = "", *, most: int) -> list[tuple[str, int]]:
    """Why records of queries were rejected, of one source or of all: kinds of reasons, or the one reason of a kind."""
    rejected = RejectedRecord.objects.filter(batch__in=_batches(source)).order_by().values_list("reason")
    kinds: dict[str, Counter[str]] = {}
    for reason, count in rejected.annotate(n=Count("*")).iterator():
        kinds.setdefault(kind_of_reason(reason), Counter())[reason] += count
    told = [(kind if len(held) > 1 else next(iter(held)), held.total()) for kind, held in kinds.items()]
    return sorted(told, key=lambda one: (-one[1], one[0]))[:most]


def _batches(source: str = "") -> list[int]:
    batches = ImportBatch.objects.filter(holds=ImportBatch.Holds.QUERIES)
    chosen = batches.filter(source__slug=source) if source else batches
    return list(chosen.values_list("pk", flat=True))


def _lines() -> Reached:
    """Lines of files of queries: each was rejected, or is a sighting."""
    source_of = dict(ImportBatch.objects.filter(holds=ImportBatch.Holds.QUERIES).values_list("pk", "source_id"))
    reached: Reached = Counter()
    rejected = RejectedRecord.objects.order_by().values_list("batch_id").annotate(n=Count("*"))
    for step, lines in (
        ("rejected", dict(rejected)),
        ("seen", summed(LineCount.objects.all(), "batch_id")),
        ("duplicates", summed(LineCount.objects.filter(repeats=True), "batch_id")),
    ):
        for batch_id, count in lines.items():
            if batch_id in source_of:
                reached[source_of[batch_id], step] += count
    for source_id in set(source_of.values()):
        reached[source_id, "read"] = reached[source_id, "seen"] + reached[source_id, "rejected"]
    return reached


def _queries() -> Reached:
    """Queries where they stand now, and whether a dialogue was grown from them."""
    reached: Reached = Counter()
    for (source_id, stage, used), count in summed(QueryCount.objects.all(), "source_id", "stage", "used").items():
        reached[source_id, STEP_OF_STAGE[Stage(stage)]] += count
        if stage == Stage.KEPT:
            reached[source_id, "used" if used else "unused"] += count
        elif used:
            reached[source_id, "used_not_kept"] += count
        for step in _steps_behind(Stage(stage)):
            reached[source_id, step] += count
    return reached


def _steps_behind(stage: Stage) -> tuple[str, ...]:
    """The steps that a query at this stage has passed."""
    if stage in (Stage.DUPLICATE, Stage.SET_ASIDE):
        return ("accepted",)
    return ("accepted", "in_play") if stage == Stage.UNSCORED else ("accepted", "in_play", "scored")


def _dialogues() -> Reached:
    """Dialogues by their own source, or that of their first seed; withdrawn ones are on no way to a file."""
    reached: Reached = Counter()
    known = Dialogue.objects.filter(source__isnull=False)
    for source_id, state, exported, count in (
        known.order_by().values_list("source_id", "state", "exported").annotate(n=Count("*"))
    ):
        if state == State.WITHDRAWN:
            reached[source_id, "withdrawn"] += count
            continue
        reached[source_id, "dialogues"] += count
        reached[source_id, STEP_OF_STATE[State(state)]] += count
        if state == State.APPROVED:
            reached[source_id, "exported" if exported else "unexported"] += count
        elif exported:
            reached[source_id, "exported_not_approved"] += count
    return reached
