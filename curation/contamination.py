"""Set aside queries that hold a benchmark's task, and suspect those that share a phrase with one.

Every hit is kept with its tier and the text that matched. The check is one action; undoing it puts the queries back,
while the hits stay as evidence. What a person has cleared is not checked again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.models import BenchmarkTask, Contamination, ContaminationHit, Query
from curation.passes import Watch, blocks_of, next_version, unwatched
from curation.tiers import Overlap, TaskIndex, TaskText


class NoBenchmark(Exception):
    """There is nothing to check against."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found; `hits` counts query and task pairs by tier."""

    checked: int
    set_aside: int
    suspect: int
    hits: Mapping[str, int]
    action: Action | None


def check_contamination(*, by: User | None, door: Door, watch: Watch = unwatched) -> Checked:
    """Check the queries in play against every imported benchmark."""
    index = _index()
    queries = Query.objects.in_play().exclude(contamination=Contamination.CLEARED)
    action, checked, hits, facts = None, 0, Counter[str](), Counter[str]()
    for block in blocks_of(queries, watch):
        found = _overlaps(index, block)
        checked += len(block)
        if not found:
            continue
        with transaction.atomic():
            changes = _write(found)
            if changes and action is None:
                action = record("check contamination", changes, by=by, door=door, note=_benchmarks())
            elif changes and action is not None:
                extend(action, changes)
        facts.update(change.after["contamination"] for change in changes)
        hits.update(str(overlap.tier) for change in changes for overlap in found[change.row.pk])
    return Checked(checked, facts[Contamination.SET_ASIDE], facts[Contamination.SUSPECT], hits, action)


def _index() -> TaskIndex:
    tasks = BenchmarkTask.objects.order_by("pk").values_list("pk", "prompt", "solution", "tests")
    texts = [TaskText(*task) for task in tasks]
    if not texts:
        raise NoBenchmark("no benchmark is imported; import_benchmark FILE --name NAME brings one in")
    return TaskIndex(texts)


def _benchmarks() -> str:
    names = BenchmarkTask.objects.order_by("benchmark__name").values_list("benchmark__name", flat=True).distinct()
    return "against " + ", ".join(names)


def _overlaps(index: TaskIndex, block: Sequence[int]) -> dict[int, list[Overlap]]:
    rows = Query.objects.filter(pk__in=block).values_list("pk", "text", "response")
    found = {pk: index.overlaps(text, response) for pk, text, response in rows}
    return {pk: overlaps for pk, overlaps in found.items() if overlaps}


def _write(found: Mapping[int, list[Overlap]]) -> list[Change]:
    """Write hits, and the fact for those queries where it is new; call it inside a transaction."""
    targets = {pk: _fact(overlaps) for pk, overlaps in found.items()}
    rows = Query.objects.in_play().filter(pk__in=found).exclude(contamination=Contamination.CLEARED)
    queries = list(rows.order_by("pk").select_for_update().only("contamination"))
    hits = [_hit(query.pk, overlap) for query in queries for overlap in found[query.pk]]
    ContaminationHit.objects.bulk_create(hits, ignore_conflicts=True)
    changed = [query for query in queries if query.contamination != targets[query.pk]]
    for fact in set(targets.values()):
        Query.objects.filter(pk__in=[query.pk for query in changed if targets[query.pk] == fact]).update(
            contamination=fact, version=next_version(timezone.now())
        )
    return [
        Change(query, {"contamination": query.contamination}, {"contamination": targets[query.pk].value})
        for query in changed
    ]


def _fact(overlaps: Sequence[Overlap]) -> Contamination:
    return Contamination.SET_ASIDE if any(overlap.proves for overlap in overlaps) else Contamination.SUSPECT


def _hit(query_id: int, overlap: Overlap) -> ContaminationHit:
    return ContaminationHit(
        query_id=query_id,
        task_id=overlap.task_id,
        tier=overlap.tier,
        score=overlap.score,
        matched_text=overlap.matched,
    )
