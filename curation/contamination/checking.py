"""Set aside queries that hold a benchmark's task, and suspect those that may: for people to look at.

Every hit is kept with its tier, score and the text that matched. A check is one action; undoing it puts the queries
back, while the hits stay as evidence. What a person has cleared stays cleared of the tasks it had hits of by then.
Queries that were checked against the same tasks under the same rules are not read again, unless an undo put them back,
and a check that was killed goes on at its block. Queries that are set aside are read too, for their hits alone: what
set them aside may be undone or withdrawn.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.actions import Change, extend, record
from accounts.models import Door, User
from curation.contamination import suspects
from curation.contamination.neighbouring import Neighbour, candidates, nearest_queries
from curation.contamination.overlaps import MATCHED_LENGTH
from curation.contamination.tiers import RULES, Overlap, TaskIndex, TaskText
from curation.models import BenchmarkTask, Contamination, ContaminationHit, ContaminationPass, Query, Tier
from curation.models.benchmarks import OF_READING
from curation.models.queries import QueryQuerySet
from curation.passes import next_version
from curation.pool_passes import ask_for, tell
from curation.readings import BLOCK, key_blocks
from curation.vectors import embed_missing, without_vector
from embeddings import Embeds

NEAREST = 10
NEAR_BLOCK = 200

# Hears what the check is at, and how much of it is done.
Tell = Callable[[str, int, int], None]


class NoBenchmark(Exception):
    """There is nothing to check against."""


def untold(doing: str, done: int, total: int) -> None:
    """For nobody."""


def ask_for_check(*, by: User | None, again: bool = False, nearest: int = NEAREST) -> ContaminationPass:
    """Note that a check is wanted. Raises NoBenchmark, or AtWork while another goes on."""
    if not BenchmarkTask.objects.filter(benchmark__withdrawn=False).exists():
        raise NoBenchmark("no benchmark is imported; import_benchmark FILE --name NAME brings one in")
    return ask_for(ContaminationPass, by=by, again=again, nearest=nearest)


def unread_queries() -> int:
    """How many queries a check would read now."""
    reached = ContaminationPass.objects.reached(_fingerprint(_texts()))
    return len(_put_back(reached)) + _beyond(reached).count()


def check_contamination(one: ContaminationPass, *, door: Door, embedder: Embeds | None, tell: Tell = untold) -> None:
    """Carry out a check: words first, then, with an embedder, what lies near each task in meaning."""
    check = _Check(one, door, tell)
    check.words()
    if embedder is not None and one.nearest:
        check.meanings(embedder)
    check.finish()


class _Check:
    """One check under way: its row says where it is, its action gathers what it changed."""

    def __init__(self, one: ContaminationPass, door: Door, tell: Tell) -> None:
        self.one, self.door, self._tell = one, door, tell
        self.found: dict[str, int] = {"checked": 0, "set_aside": 0, "suspect": 0}
        self.hits: dict[str, int] = {}

    def words(self) -> None:
        """Go through the queries that were not checked yet, a block in a transaction."""
        texts = _texts()
        self.one.fingerprint = _fingerprint(texts)
        reached = 0 if self.one.again else ContaminationPass.objects.reached(self.one.fingerprint)
        self.one.after = self.one.until = reached
        put_back, queries = _put_back(reached), _beyond(reached)
        index, total = TaskIndex(texts), len(put_back) + queries.count()
        for block in chain(_in_blocks(put_back), key_blocks(queries)):
            found = _overlaps(index, block)
            with transaction.atomic():
                self._write(found)
                self.one.until = max(reached, block[-1])
                self.one.save(update_fields=["fingerprint", "after", "until", "action"])
            self.found["checked"] += len(block)
            self.tell("reading", self.found["checked"], total)

    def meanings(self, embedder: Embeds) -> None:
        """Suspect the queries that lie nearest to each task."""
        pool = candidates()
        total = without_vector(pool, embedder.name).count()
        for number, _ in enumerate(embed_missing(pool, embedder), start=1):
            if number % BLOCK == 0:
                self.tell("embedding", number, total)
        near = list(nearest_queries(self.one.nearest, embedder, lambda seen, of: self.tell("comparing", seen, of)))
        for start in range(0, len(near), NEAR_BLOCK):
            found = _as_overlaps(near[start : start + NEAR_BLOCK])
            with transaction.atomic():
                self._write(found)
                self.one.save(update_fields=["action"])

    def tell(self, doing: str, done: int, total: int) -> None:
        self._tell(doing, done, total)
        tell(self.one, doing, done, total, found={**self.found, "hits": self.hits})

    def finish(self) -> None:
        self.one.found = {**self.found, "hits": self.hits}
        self.one.told_at = self.one.finished_at = timezone.now()
        self.one.save(update_fields=["fingerprint", "after", "until", "found", "told_at", "finished_at"])

    def _write(self, found: Mapping[int, Sequence[Overlap]]) -> None:
        """Write hits, and the facts of those queries to which they are new; inside a transaction."""
        rows = Query.objects.filter(pk__in=found).order_by("pk").select_for_update()
        queries = list(rows.only("contamination", "suspicion"))
        found = {query.pk: of_note for query in queries if (of_note := _of_note(query, found[query.pk]))}
        queries = [query for query in queries if query.pk in found]
        for hit in _store_hits(found):
            self.hits[hit.tier] = self.hits.get(hit.tier, 0) + 1
        for query in queries:
            suspicion = max(query.suspicion or 0.0, *(one.score for one in found[query.pk]))
            if suspicion != query.suspicion:
                Query.objects.filter(pk=query.pk).update(suspicion=suspicion)
        changes = [change for query in queries if (change := _change(query, found[query.pk])) is not None]
        for change in changes:
            self.found[change.after["contamination"]] += 1
            Query.objects.filter(pk=change.row.pk).update(**change.after, version=next_version(timezone.now()))
        self._record(changes)

    def _record(self, changes: Sequence[Change]) -> None:
        if changes and self.one.action is None:
            note = _against()
            self.one.action = record("check contamination", changes, by=self.one.by, door=self.door, note=note)
        elif changes and self.one.action is not None:
            extend(self.one.action, changes)


def _tasks() -> QuerySet[BenchmarkTask]:
    return BenchmarkTask.objects.filter(benchmark__withdrawn=False).order_by("pk")


def _texts() -> list[TaskText]:
    return [TaskText(*task) for task in _tasks().values_list("pk", "prompt", "solution", "tests")]


def _beyond(reached: int) -> QueryQuerySet:
    return Query.objects.filter(pk__gt=reached)


def _put_back(reached: int) -> list[int]:
    """Queries that were read, and were set aside or suspected before someone undid it: less than their hits tell."""
    hits = ContaminationHit.objects.filter(tier__in=OF_READING, task__benchmark__withdrawn=False)
    undone = Q(query__contamination=Contamination.NONE) | Q(query__contamination=Contamination.SUSPECT, proves=True)
    return sorted(set(hits.filter(undone, query__lte=reached).values_list("query", flat=True)))


def _in_blocks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    return (keys[start : start + BLOCK] for start in range(0, len(keys), BLOCK))


def _fingerprint(texts: Sequence[TaskText]) -> str:
    return hashlib.sha256(f"{RULES} {texts!r}".encode()).hexdigest()


def _against() -> str:
    names = _tasks().order_by("benchmark__name").values_list("benchmark__name", flat=True).distinct()
    return "against " + ", ".join(names)


def _overlaps(index: TaskIndex, block: Sequence[int]) -> dict[int, list[Overlap]]:
    rows = Query.objects.filter(pk__in=block).values_list("pk", "text", "response")
    found = {pk: index.overlaps(text, response) for pk, text, response in rows}
    return {pk: overlaps for pk, overlaps in found.items() if overlaps}


def _as_overlaps(near: Sequence[Neighbour]) -> dict[int, list[Overlap]]:
    texts = dict(Query.objects.filter(pk__in={one.query_id for one in near}).values_list("pk", "text"))
    found: dict[int, list[Overlap]] = defaultdict(list)
    for one in near:
        matched = texts[one.query_id][:MATCHED_LENGTH]
        found[one.query_id].append(Overlap(one.task_id, Tier.NEIGHBOUR, one.similarity, matched, proves=False))
    return found


def _store_hits(found: Mapping[int, Sequence[Overlap]]) -> list[ContaminationHit]:
    """Store the hits that are not known yet, and hand them back; known ones take what is stronger."""
    known = {(hit.query_id, hit.task_id, hit.tier): hit for hit in ContaminationHit.objects.filter(query__in=found)}
    new, stronger = [], []
    for pk, overlaps in found.items():
        for one in overlaps:
            said = {"score": one.score, "matched_text": one.matched, "proves": one.proves}
            hit = known.get((pk, one.task_id, one.tier))
            if hit is None:
                new.append(ContaminationHit(query_id=pk, task_id=one.task_id, tier=one.tier, **said))
            elif (one.proves, one.score) > (hit.proves, hit.score):
                stronger.append(ContaminationHit(pk=hit.pk, **said))
    ContaminationHit.objects.bulk_update(stronger, ["score", "matched_text", "proves"])
    return ContaminationHit.objects.bulk_create(new, ignore_conflicts=True)


def _of_note(query: Query, overlaps: Sequence[Overlap]) -> Sequence[Overlap]:
    """All of them, but of a query that a person cleared only what proves a task it had no hit of then."""
    if query.contamination != Contamination.CLEARED or not any(one.proves for one in overlaps):
        return [] if query.contamination == Contamination.CLEARED else overlaps
    known = query.contamination_hits.all()
    if (cleared_at := suspects.cleared_at(query)) is not None:
        known = known.filter(created_at__lte=cleared_at)
    tasks = set(known.values_list("task", flat=True))
    return [one for one in overlaps if one.proves and one.task_id not in tasks]


def _change(query: Query, overlaps: Sequence[Overlap]) -> Change | None:
    """What becomes of a query that has hits; one that is set aside stays so."""
    proved = any(one.proves for one in overlaps)
    fact = Contamination.SET_ASIDE if proved else Contamination.SUSPECT
    if query.contamination in (fact, Contamination.SET_ASIDE):
        return None
    return Change(query, {"contamination": query.contamination}, {"contamination": fact.value})
