"""Queries in every stage with what hangs on them: files, lines, rejected records, scores of two judges, clusters."""

import hashlib
import json
import random
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.db import transaction
from django.utils import timezone

from bench.made_texts import language, writer
from curation.inserting import as_stored, insert_rows
from curation.models import DuplicateCluster, ImportBatch, Judge, Query, RejectedRecord, Score, Sighting, Source
from curation.scores.judges import install_shipped_templates, newest_template

SOURCES = ("evol", "oss", "sharegpt", "alpaca", "filtered")
FILES_PER_SOURCE = 3
BLOCK = 500
REASONS = ("not valid JSON: Expecting value", "field 'instruction' is blank", "field 'output' is a number, not text")
# Of a hundred queries so many are near-duplicates, set aside, suspect; of the rest so many wait for their scores.
DUPLICATE, SET_ASIDE, SUSPECT, UNSCORED = 3.0, 0.5, 1.0, 8.0
UNREADABLE = 0.01
RULE, THRESHOLD = "mean_at_least 4.0", 4.0

Facts = dict[str, Any]


def fill_queries(count: int, *, kept: int, scored: int = 0, seed: int = 5) -> dict[str, int]:
    """Write so many queries, of which so many are kept, and so many that are only scored; how many rows of each kind
    there are then."""
    rng, now = random.Random(seed), as_stored(timezone.now())
    batches, judges = _batches(), _judges()
    write = writer(rng)
    facts = chain(_facts(rng, count, kept), _scored(rng, scored))
    for start in range(1, count + scored + 1, BLOCK):
        numbers = range(start, min(start + BLOCK, count + scored + 1))
        with transaction.atomic():
            _write_block(rng, [(number, write(number), next(facts)) for number in numbers], batches, judges, now)
    _count(batches)
    _clusters(now)
    return {"queries": count + scored, "sightings": Sighting.objects.count(), "scores": Score.objects.count()}


def _batches() -> list[ImportBatch]:
    sources = [Source.objects.get_or_create(slug=slug)[0] for slug in SOURCES]
    return [
        ImportBatch.objects.create(
            source=source, holds="queries", file_name=f"{source}-{number}.jsonl", layout="evol_instruct", state="done"
        )
        for source in sources
        for number in range(FILES_PER_SOURCE)
    ]


def _judges() -> list[Judge]:
    install_shipped_templates()
    return [
        Judge.objects.create(template=newest_template(name), model="made", sampling={}, counts=True)
        for name in ("complexity", "challenge")
    ]


def _facts(rng: random.Random, count: int, kept: int) -> Iterator[Facts]:
    """What is known of each query; exactly so many are kept, spread over the whole pool."""
    left, wanted = count, kept
    for number in range(1, count + 1):
        keep = rng.random() * left < wanted
        left, wanted = left - 1, wanted - keep
        yield _kept(rng) if keep else _not_kept(rng, number)


def _kept(rng: random.Random) -> Facts:
    return _decided("keep", *rng.choice([(4, 4), (5, 4), (4, 5), (5, 5), (5, 3)]))


def _not_kept(rng: random.Random, number: int) -> Facts:
    draw = rng.random() * 100
    if draw < DUPLICATE and number > BLOCK:
        # Of one in an earlier block: rows may only refer to rows that are there.
        return {
            "duplicate_of_id": rng.randint(1, number - number % BLOCK - BLOCK or 1),
            "duplicate_reason": "same words",
        }
    if draw < DUPLICATE + SET_ASIDE:
        return {"contamination": "set_aside"}
    facts: Facts = {"contamination": "suspect"} if draw < DUPLICATE + SET_ASIDE + SUSPECT else {}
    if draw > 100 - UNSCORED:
        return facts
    if draw > 100 - UNSCORED - 1:
        return {**facts, "scoring": "unreadable", "disputed": True, "values": (rng.randint(1, 5), None)}
    anchor = rng.randint(1, 4)
    other = min(5, max(1, anchor + rng.choice([-2, -1, -1, 0, 0, 0, 1, 2])))
    return {**facts, **_decided("drop", anchor, min(other, 7 - anchor))}


def _decided(decision: str, anchor: int, other: int) -> Facts:
    gap = abs(anchor - other)
    scores = {"complexity": {"raw": anchor, "linked": anchor}, "challenge": {"raw": other, "linked": other}}
    return {
        "scoring": "readable",
        "mean": (anchor + other) / 2,
        "raw_gap": gap,
        "linked_gap": float(gap),
        "disputed": gap >= 2,
        "decision": decision,
        "decision_rule": RULE,
        "decision_version": 1,
        "decision_inputs": json.dumps(scores),
        "values": (anchor, other),
    }


def _scored(rng: random.Random, count: int) -> Iterator[Facts]:
    """Rated by both judges, who agree as judges do and whose scales are shifted; nothing is decided."""
    for _ in range(count):
        level = rng.gauss(3.4, 1.1)
        values = [min(5, max(1, round(level + shift + rng.gauss(0, 0.5)))) for shift in (0.0, -0.6)]
        if rng.random() < UNREADABLE:
            yield {"scoring": "unreadable", "values": (values[0], None)}
            continue
        means = [min(5.0, max(1.0, value + rng.uniform(-0.4, 0.4))) for value in values]
        yield {
            "scoring": "readable",
            "mean": sum(values) / 2,
            "raw_gap": abs(values[0] - values[1]),
            "values": values,
            "means": means,
            "expected": sum(means) / 2,
        }


NO_FACTS: Facts = {
    "expected": None,
    "duplicate_of_id": None,
    "duplicate_reason": "",
    "contamination": "none",
    "scoring": "none",
    "mean": None,
    "raw_gap": None,
    "linked_gap": None,
    "disputed": False,
    "decision": "none",
    "decision_rule": "",
    "decision_version": 0,
    "decision_inputs": "{}",
}
QUERY_COLUMNS = (
    "id",
    "text",
    "response",
    "language",
    "text_hash",
    "source_id",
    "batch_id",
    "created_at",
    "decided_at",
    "ratings",
)
SCORE_COLUMNS = ("query_id", "judge_id", "value", "expected", "state", "explanation", "created_at")
SIGHTING_COLUMNS = ("query_id", "batch_id", "line", "repeats", "response_hash")


def _write_block(
    rng: random.Random,
    made: list[tuple[int, tuple[str, str], Facts]],
    batches: list[ImportBatch],
    judges: list[Judge],
    now: str,
) -> None:
    queries, scores, sightings, rejected = [], [], [], []
    for number, (text, response), facts in made:
        batch, line = batches[number // BLOCK % len(batches)], 2 * number
        values = facts.get("values", ())
        said = " ".join(f"{judge.pk}={value or '-'}" for judge, value in zip(judges, values, strict=False))
        hashed = hashlib.sha256(text.encode()).hexdigest()
        decided_at = now if "decision" in facts else None
        row = (number, text, response, language(rng), hashed, batch.source_id, batch.pk, now, decided_at, said)
        queries.append((*row, *(facts.get(name, value) for name, value in NO_FACTS.items())))
        sightings.append((number, batch.pk, line, False, hashed))
        if number % 8 == 0:
            again = batches[(number // BLOCK + 1) % len(batches)]
            sightings.append((number, again.pk, line + 1, True, hashed))
        if number % 200 == 0:
            rejected.append((batch.pk, line - 1, rng.choice(REASONS), text[:80]))
        for judge, value, mean in zip(judges, values, facts.get("means", (None, None)), strict=False):
            state = "unreadable" if value is None else "ok"
            scores.append((number, judge.pk, value, mean, state, "It asks for two steps.", now))
    insert_rows(Query, (*QUERY_COLUMNS, *NO_FACTS), queries)
    insert_rows(Sighting, SIGHTING_COLUMNS, sightings)
    insert_rows(Score, SCORE_COLUMNS, scores)
    insert_rows(RejectedRecord, ("batch_id", "line", "reason", "excerpt"), rejected)


def _count(batches: list[ImportBatch]) -> None:
    for batch in batches:
        repeats = Sighting.objects.filter(batch=batch, repeats=True).count()
        accepted = Query.objects.filter(batch=batch).count()
        rejected = RejectedRecord.objects.filter(batch=batch).count()
        ImportBatch.objects.filter(pk=batch.pk).update(
            read=accepted + repeats + rejected, accepted=accepted, duplicates=repeats, rejected=rejected
        )


def _clusters(now: str) -> None:
    """A cluster around each query that others are duplicates of."""
    led = Query.objects.filter(duplicate_of__isnull=False).order_by()
    found = sorted(set(led.values_list("duplicate_of", "duplicate_of__source")))
    rows = [(pk, "near", source_id, 2, now) for pk, source_id in found]
    insert_rows(DuplicateCluster, ("representative_id", "kind", "source_id", "size", "created_at"), rows)
