"""Put queries into the audit queue that are no disputes: controls, and samples that estimates are made from."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.models import AuditSample, Query, SampledQuery, Scoring, Stage, Stratum, Verdict
from curation.models.queries import SAMPLES_FROM
from curation.patterns import tally
from curation.readings import VERDICT
from curation.sampling import allocate, controls_wanted, draw

CONTROLS = 0.05  # of the queue
DOUBLE = 0.1  # of a sample: judged by two people
SMALLEST_SAMPLE, LARGEST_SAMPLE = 20, 2000
PLACES, PLACES_OF_TURN = 1_000_000_000, 100_000
BLOCK = 500
_PLACED = ("audit_place", "reviews_wanted")


class NothingToDraw(Exception):
    """No query in play has been scored by every judge."""


@dataclass(frozen=True, slots=True)
class Picked:
    """One query with its place in the queue, and whether two people are to judge it."""

    query_id: int
    place: int
    is_double: bool = False


def mix_controls(*, by: User | None, door: Door, rng: random.Random, share: float = CONTROLS) -> Action | None:
    """Put agreeing queries among the disputes until they are that share of the queue; None when they are already.

    Each stands beside a dispute chosen at random, so that nothing but its scores tells it from one.
    """
    waiting = Query.objects.awaiting_audit().filter(audit_order__lt=SAMPLES_FROM).order_by()
    places = list(waiting.filter(disputed=True, audit_place=None).values_list("audit_order", flat=True))
    lacking = controls_wanted(len(places), share) - waiting.filter(disputed=False).count()
    if lacking <= 0:
        return None
    agreeing = Query.objects.filter(stage__in=[Stage.KEPT, Stage.DROPPED], disputed=False, scoring=Scoring.READABLE)
    unseen = agreeing.filter(audit_place=None, reviews_given=0).exclude(decision_rule=VERDICT)
    candidates = list(unseen.order_by("pk").values_list("pk", flat=True))
    chosen = draw(candidates, min(lacking, len(candidates)), rng)
    action = None
    for start in range(0, len(chosen), BLOCK):
        picked = [Picked(pk, rng.choice(places)) for pk in chosen[start : start + BLOCK]]
        with transaction.atomic():
            changes = _place(picked)
            if action is None:
                action = record("mix in controls", changes, by=by, door=door)
            else:
                extend(action, changes)
    return action


def draw_sample(
    wanted: int, *, seed: int, by: User | None, door: Door, at: datetime, double: float = DOUBLE
) -> tuple[AuditSample, Action]:
    """Draw queries across the strata (cells, kept or dropped) and put them first in the queue.

    The draw before this one ends: its queries leave the queue, and its verdicts no longer stand for others.
    Raises NothingToDraw.
    """
    rng, sizes = random.Random(seed), tally("stage")
    if not sizes:
        raise NothingToDraw("no query in play has been scored by every judge; manage.py score does that")
    members = {key: _members(*key) for key in sorted(sizes)}
    drawn = {
        key: draw(members[key], count, rng)
        for key, count in allocate({key: len(pks) for key, pks in members.items()}, wanted).items()
    }
    picked = [
        Picked(pk, _sample_place(turn, rng), is_double=rng.random() < double)
        for pks in drawn.values()
        for turn, pk in enumerate(pks)
    ]
    with transaction.atomic():
        changes = _end_standing_sample()
        sample = AuditSample.objects.create(size=len(picked), seed=seed, by=by, at=at)
        changes.append(Change(sample, before={"withdrawn": True}, after={"withdrawn": False}))
        strata = _store_strata(sample, {key: (len(members[key]), pks) for key, pks in drawn.items()})
        changes += [*_place(picked), *_weigh(strata)]
        action = record("draw sample", _merged(changes), by=by, door=door, note=f"{len(picked)} queries, seed {seed}")
    return sample, action


def _sample_place(turn: int, rng: random.Random) -> int:
    """One of each stratum first, then the second of each: a sample that is half judged tells of every stratum."""
    return SAMPLES_FROM + PLACES - turn * PLACES_OF_TURN - rng.randrange(PLACES_OF_TURN)


def stratum_of(query_id: int) -> Stratum | None:
    """The stratum of the standing sample by which a query was drawn."""
    standing = SampledQuery.objects.filter(query=query_id, stratum__sample__withdrawn=False)
    one = standing.select_related("stratum").first()
    return None if one is None else one.stratum


def _members(pattern: str, stage: str) -> list[int]:
    return list(Query.objects.filter(ratings=pattern, stage=stage).order_by("pk").values_list("pk", flat=True))


def _store_strata(
    sample: AuditSample, drawn: Mapping[tuple[str, ...], tuple[int, Sequence[int]]]
) -> list[tuple[Stratum, Sequence[int]]]:
    strata = []
    for number, ((pattern, stage), (size, pks)) in enumerate(drawn.items(), start=1):
        stratum = Stratum.objects.create(
            sample=sample, number=number, pattern=pattern, stage=stage, size=size, drawn=len(pks)
        )
        SampledQuery.objects.bulk_create([SampledQuery(stratum=stratum, query_id=pk) for pk in pks])
        strata.append((stratum, pks))
    return strata


def _place(picked: Sequence[Picked]) -> list[Change]:
    """Write each query's place, and see to it that it wants a verdict where it has none."""
    by_key = {one.query_id: one for one in picked}
    changes: list[Change] = []
    for block in _blocks(sorted(by_key)):
        placed: list[Query] = []
        judged = set(Verdict.objects.filter(query__in=block, withdrawn=False).values_list("query", flat=True))
        for query in Query.objects.filter(pk__in=block).only(*_PLACED, "reviews_given").select_for_update():
            one = by_key[query.pk]
            wanted = query.reviews_given + (query.pk not in judged) + one.is_double
            after = {"audit_place": one.place, "reviews_wanted": max(query.reviews_wanted, wanted)}
            changes.append(Change(query, {name: getattr(query, name) for name in _PLACED}, after))
            query.audit_place, query.reviews_wanted = after["audit_place"], after["reviews_wanted"]
            placed.append(query)
        Query.objects.bulk_update(placed, _PLACED)
    return changes


def _end_standing_sample() -> list[Change]:
    """What ends the draw before: it is withdrawn, its queries lose their place, its verdicts their weight."""
    changes: list[Change] = []
    for sample in AuditSample.objects.filter(withdrawn=False):
        changes.append(Change(sample, {"withdrawn": False}, {"withdrawn": True}))
        AuditSample.objects.filter(pk=sample.pk).update(withdrawn=True)
    placed = Query.objects.filter(audit_place__gte=SAMPLES_FROM)
    changes += [Change(one, {"audit_place": one.audit_place}, {"audit_place": None}) for one in placed.only(*_PLACED)]
    placed.update(audit_place=None)
    weighed = Verdict.objects.exclude(stratum="")
    changes += [
        Change(one, {"stratum": one.stratum, "weight": one.weight}, {"stratum": "", "weight": 1.0}) for one in weighed
    ]
    weighed.update(stratum="", weight=1.0)
    return changes


def _weigh(strata: Iterable[tuple[Stratum, Sequence[int]]]) -> list[Change]:
    """Verdicts that stand on drawn queries already count for their stratum."""
    changes: list[Change] = []
    for stratum, pks in strata:
        standing = Verdict.objects.filter(query__in=pks, withdrawn=False)
        after = {"stratum": str(stratum), "weight": stratum.weight}
        changes += [Change(one, {"stratum": one.stratum, "weight": one.weight}, after) for one in standing]
        standing.update(**after)
    return changes


def _merged(changes: Sequence[Change]) -> list[Change]:
    """One change of each row: what the draw before had left, and what this one made of it."""
    by_row: dict[tuple[str, int], Change] = {}
    for change in changes:
        key = (change.row._meta.label, change.row.pk)
        first = by_row.get(key, Change(change.row, {}, {}))
        by_row[key] = Change(change.row, change.before | first.before, first.after | change.after)
    return [differing for change in by_row.values() if (differing := _without_what_stayed(change)).after]


def _without_what_stayed(change: Change) -> Change:
    changed = [name for name, value in change.after.items() if change.before.get(name) != value]
    return Change(
        change.row, {name: change.before[name] for name in changed}, {name: change.after[name] for name in changed}
    )


def _blocks(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[start : start + BLOCK] for start in range(0, len(keys), BLOCK))
