"""Why a query stands where it stands: every fact that decides it, in the order in which the stage reads them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from curation.models import (
    Contamination,
    ContaminationHit,
    Decision,
    Query,
    Score,
    ScoreState,
    Scoring,
    Sighting,
    Stage,
    Verdict,
)
from curation.models.queries import VERDICT

# The kind of fact that gives each stage; the first that holds decides.
DECISIVE = {
    Stage.DUPLICATE: "duplicate",
    Stage.SET_ASIDE: "contamination",
    Stage.KEPT: "decision",
    Stage.DROPPED: "decision",
    Stage.UNREADABLE: "scores",
    Stage.SCORED: "scores",
    Stage.UNSCORED: "scores",
}
CONTAMINATION_WORDS = {
    Contamination.NONE: "no benchmark task found in it",
    Contamination.SUSPECT: "suspected of holding {tasks}",
    Contamination.SET_ASIDE: "set aside, it holds {tasks}",
    Contamination.CLEARED: "cleared by a person of holding {tasks}",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in words; `decides` marks the one that gives the query its stage."""

    kind: str
    words: str
    at: datetime | None = None
    decides: bool = False


def facts_about(
    query: Query,
    *,
    sightings: Sequence[Sighting],
    hits: Iterable[ContaminationHit],
    scores: Iterable[Score],
    verdicts: Iterable[Verdict],
    dialogues: int,
) -> list[Fact]:
    """All facts in order, from the import to what was built of the query."""
    told = [
        *_seen(query, sightings),
        *_duplicate(query),
        *_contamination(query, hits),
        *_scores(query, scores),
        *_gap(query),
        *_audited(query, verdicts),
        *_decided(query),
    ]
    if dialogues:
        told.append(Fact("dialogues", f"used in {dialogues} dialogue{'' if dialogues == 1 else 's'}"))
    decisive = DECISIVE[Stage(query.stage)]
    return [Fact(fact.kind, fact.words, fact.at, decides=fact.kind == decisive) for fact in told]


def _seen(query: Query, sightings: Sequence[Sighting]) -> Iterator[Fact]:
    again = f", seen {len(sightings)} times" if len(sightings) > 1 else ""
    yield Fact("seen", f"imported from {query.source.slug}{again}", query.created_at)


def _duplicate(query: Query) -> Iterator[Fact]:
    if query.duplicate_of_id is None:
        yield Fact("duplicate", "not a duplicate")
    else:
        reason = f" ({query.duplicate_reason})" if query.duplicate_reason else ""
        yield Fact("duplicate", f"duplicate of query {query.duplicate_of_id}{reason}")


def _contamination(query: Query, hits: Iterable[ContaminationHit]) -> Iterator[Fact]:
    tasks = sorted({str(hit.task) for hit in hits})
    words = CONTAMINATION_WORDS[Contamination(query.contamination)]
    yield Fact("contamination", words.format(tasks=", ".join(tasks) or "a benchmark task"))


def _scores(query: Query, scores: Iterable[Score]) -> Iterator[Fact]:
    told = [f"{score.judge.template.name} {_said(score)}" for score in scores if score.judge.counts]
    if query.scoring == Scoring.NONE:
        told.append("not yet scored by every judge" if told else "not scored yet")
    if told:
        yield Fact("scores", ", ".join(told))


def _said(score: Score) -> str:
    return str(score.value) if score.state == ScoreState.OK else str(score.get_state_display())


def _gap(query: Query) -> Iterator[Fact]:
    if query.mean is not None:
        yield Fact("mean", f"mean {query.mean:.2f}")
    if query.scoring != Scoring.NONE:
        gap = (
            "" if query.linked_gap is None else f" (gap {query.linked_gap:.1f} on one scale, {query.raw_gap} as given)"
        )
        yield Fact("dispute", f"{'disputed' if query.disputed else 'not disputed'}{gap}")


def _audited(query: Query, verdicts: Iterable[Verdict]) -> Iterator[Fact]:
    for verdict in verdicts:
        if not verdict.withdrawn:
            who = verdict.by.username if verdict.by else "someone"
            yield Fact(
                "verdict", f"{who} gave {verdict.value} and said {'keep' if verdict.keep else 'drop'}", verdict.at
            )
    if query.audit_order is not None and query.reviews_given < query.reviews_wanted:
        yield Fact("waits", "waits for an audit")


def _decided(query: Query) -> Iterator[Fact]:
    if query.decision == Decision.NONE:
        yield Fact("undecided", "not decided yet")
        return
    done = "kept" if query.decision == Decision.KEEP else "dropped"
    rule = "a person’s verdict" if query.decision_rule == VERDICT else f"the rule {query.decision_rule}"
    yield Fact("decision", f"{done} by {rule}", query.decided_at)
