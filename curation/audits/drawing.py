"""Draw a stratified sample of the pool for the audit: estimates of every rule are made from its verdicts."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.audits.picking import Picked, blocks, place
from curation.audits.sampling import allocate, draw
from curation.models import AuditSample, Query, SampledQuery, Stratum, Verdict
from curation.models.queries import SAMPLES_FROM
from curation.scores.patterns import stage_of, tally

DOUBLE = 0.1  # of a sample: judged by two people
SMALLEST_SAMPLE, LARGEST_SAMPLE = 20, 2000
PLACES, PLACES_OF_TURN = 1_000_000_000, 100_000
# A cell of the judges' scores, and how its queries are decided.
Key = tuple[str, ...]


class NotDrawn(Exception):
    """There is nothing to draw from, or another sample was drawn meanwhile."""


def draw_sample(
    wanted: int, *, seed: int, by: User | None, door: Door, at: datetime, double: float = DOUBLE
) -> tuple[AuditSample, Action]:
    """Draw queries across the strata (cells, kept or dropped) and put them first in the queue.

    The draw before this one ends: its queries leave the queue, and its verdicts no longer stand for others. It works in
    blocks, each in its own transaction; what is cut short ends with the next draw. Raises NotDrawn.
    """
    rng, keys = random.Random(seed), sorted(tally("decision"))
    if not keys:
        raise NotDrawn("no query in play has been scored by every judge; manage.py score does that")
    members = {key: _members(*key) for key in keys}
    counts = allocate({key: len(pks) for key, pks in members.items()}, wanted)
    drawn = {key: draw(members[key], count, rng) for key, count in counts.items()}
    picked = {
        pk: Picked(_sample_place(turn, rng), is_double=rng.random() < double)
        for pks in drawn.values()
        for turn, pk in enumerate(pks)
    }
    with transaction.atomic():
        ended = _end_standing_sample()
        sample = _standing_sample(size=len(picked), seed=seed, by=by, at=at)
        changes = [*ended, Change(sample, before={"withdrawn": True}, after={"withdrawn": False})]
        strata = _store_strata(sample, drawn, sizes={key: len(pks) for key, pks in members.items()})
        action = record("draw sample", changes, by=by, door=door, note=f"{len(picked)} queries, seed {seed}")
    put_first(picked, sample, action, strata)
    _weigh_verdicts(sample, action, strata)
    return sample, action


def stratum_of(query_id: int) -> Stratum | None:
    """The stratum of the standing sample by which a query was drawn."""
    standing = SampledQuery.objects.filter(query=query_id, stratum__sample__withdrawn=False)
    one = standing.select_related("stratum").first()
    return None if one is None else one.stratum


def _members(pattern: str, decision: str) -> list[int]:
    queries = Query.objects.in_play().filter(ratings=pattern, decision=decision)
    return sorted(queries.order_by().values_list("pk", flat=True))


def _sample_place(turn: int, rng: random.Random) -> int:
    """One of each stratum first, then the second of each: a sample that is half judged tells of every stratum."""
    return SAMPLES_FROM + PLACES - turn * PLACES_OF_TURN - rng.randrange(PLACES_OF_TURN)


def _end_standing_sample() -> list[Change]:
    standing = list(AuditSample.objects.select_for_update().filter(withdrawn=False))
    AuditSample.objects.filter(pk__in=[sample.pk for sample in standing]).update(withdrawn=True)
    return [Change(sample, {"withdrawn": False}, {"withdrawn": True}) for sample in standing]


def _standing_sample(**columns: Any) -> AuditSample:
    try:
        return AuditSample.objects.create(**columns)
    except IntegrityError as error:  # one stands at a time
        raise NotDrawn("another sample is being drawn at this moment") from error


def _store_strata(
    sample: AuditSample, drawn: Mapping[Key, Sequence[int]], *, sizes: Mapping[Key, int]
) -> dict[int, Stratum]:
    """The strata as rows; which one each drawn query belongs to."""
    strata = [
        Stratum(sample=sample, number=number, pattern=key[0], stage=stage_of(*key), size=sizes[key], drawn=len(pks))
        for number, (key, pks) in enumerate(drawn.items(), start=1)
    ]
    stored = Stratum.objects.bulk_create(strata)
    return {pk: stratum for stratum, pks in zip(stored, drawn.values(), strict=True) for pk in pks}


def put_first(picked: Mapping[int, Picked], sample: AuditSample, action: Action, strata: Mapping[int, Stratum]) -> None:
    """Give what was drawn its place, and take that of what the draw before had placed."""
    placed = Query.objects.filter(audit_place__gte=SAMPLES_FROM).order_by().values_list("pk", flat=True)
    for block in blocks(sorted({*picked, *placed})):
        with transaction.atomic():
            _check_it_stands(sample)
            rows = [SampledQuery(stratum=strata[pk], query_id=pk) for pk in block if pk in picked]
            SampledQuery.objects.bulk_create(rows)
            extend(action, place({pk: picked.get(pk) for pk in block}))


def _weigh_verdicts(sample: AuditSample, action: Action, strata: Mapping[int, Stratum]) -> None:
    """Verdicts that stand on drawn queries count for their stratum, those of the draw before for none."""
    concerned = set(Verdict.objects.exclude(stratum="").values_list("pk", flat=True))
    for block in blocks(sorted(strata)):
        concerned.update(Verdict.objects.filter(query__in=block, withdrawn=False).values_list("pk", flat=True))
    for block in blocks(sorted(concerned)):
        with transaction.atomic():
            _check_it_stands(sample)
            extend(action, _weigh(block, strata))


def _check_it_stands(sample: AuditSample) -> None:
    """Two draws at once: the later one ends the earlier, which then stops and changes nothing more."""
    if not AuditSample.objects.select_for_update().filter(pk=sample.pk, withdrawn=False).exists():
        raise NotDrawn("another sample was drawn meanwhile, and that one stands")


def _weigh(ids: Sequence[int], strata: Mapping[int, Stratum]) -> list[Change]:
    changes: list[Change] = []
    for verdict in Verdict.objects.filter(pk__in=ids).order_by("pk").select_for_update():
        before: dict[str, Any] = {"stratum": verdict.stratum, "weight": verdict.weight}
        after: dict[str, Any] = {"stratum": "", "weight": 1.0}
        if not verdict.withdrawn and (stratum := strata.get(verdict.query_id)):
            after = {"stratum": str(stratum), "weight": stratum.weight}
        if before != after:
            changes.append(Change(verdict, before, after))
            Verdict.objects.filter(pk=verdict.pk).update(**after)
    return changes
