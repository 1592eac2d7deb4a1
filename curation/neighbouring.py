"""For each benchmark task the queries that lie nearest to it in meaning, out of a pool of any size.

Vectors of queries are read in blocks and only the nearest few of each task are kept, so memory stays the same.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from curation.models import BenchmarkTask, Contamination, ContaminationHit, Query, Tier, Vector
from curation.models.queries import QueryQuerySet
from curation.texts import text_hash
from curation.vectors import LITTLE_ENDIAN_FLOAT32, read_vectors
from embeddings import Embeds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 2000
DOCSTRING = re.compile(r"\"\"\"(.*?)\"\"\"|'''(.*?)'''", re.DOTALL)
EXAMPLES = re.compile(r">>>|\n\s*(?:for )?examples?\b|\n\s*\n", re.IGNORECASE)

# Hears how many of how many queries were looked at.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A query that is among the nearest of a task, and the cosine of the angle between the two."""

    task_id: int
    query_id: int
    similarity: float


def candidates() -> QueryQuerySet:
    """Queries that may be a paraphrase: no duplicates, and none that is set aside by the words it holds.

    What a person judged keeps its place among the nearest; else each check would bring the next ten.
    """
    near = ContaminationHit.objects.filter(query=OuterRef("pk"), tier=Tier.NEIGHBOUR)
    judged_here = ~Q(contamination=Contamination.SET_ASIDE) | Exists(near)
    return Query.objects.filter(judged_here, duplicate_of=None)


def views_of(prompt: str) -> list[str]:
    """The task in words, as a person would put it: without code around it, with and without its examples."""
    docstrings = [double or single for double, single in DOCSTRING.findall(prompt)]
    told = docstrings[-1].strip() if docstrings else prompt.strip()
    prose = EXAMPLES.split(told)[0].strip()
    return list(dict.fromkeys(view for view in (told, prose) if view))


def nearest_queries(count: int, embedder: Embeds, progress: Progress, *, block: int = BLOCK) -> Iterator[Neighbour]:
    """The nearest `count` queries of each task, nearest first; all candidates must have their vector."""
    import numpy as np

    tasks = BenchmarkTask.objects.filter(benchmark__withdrawn=False).order_by("pk").values_list("pk", "prompt")
    viewed = [(task_id, view) for task_id, prompt in tasks for view in views_of(prompt)]
    references = _embedded([view for _, view in viewed], embedder)
    best = _Nearest(len(viewed), count)
    for keys, vectors in _blocks(embedder.name, progress, block):
        best.offer(references @ vectors.T, np.array(keys))
    yield from _by_task([task_id for task_id, _ in viewed], best, count)


class _Nearest:
    """The highest few similarities seen so far, one row per view of a task."""

    def __init__(self, rows: int, count: int) -> None:
        import numpy as np

        self.count = count
        self.similarities: NDArray[np.float32] = np.empty((rows, 0), dtype=np.float32)
        self.keys: NDArray[np.int64] = np.empty((rows, 0), dtype=np.int64)

    def offer(self, similarities: "NDArray[np.float32]", keys: "NDArray[np.int64]") -> None:
        import numpy as np

        every = np.concatenate([self.similarities, similarities], axis=1)
        every_key = np.concatenate([self.keys, np.broadcast_to(keys, similarities.shape)], axis=1)
        if every.shape[1] > self.count:
            places = np.argpartition(-every, self.count - 1, axis=1)[:, : self.count]
            every, every_key = np.take_along_axis(every, places, 1), np.take_along_axis(every_key, places, 1)
        self.similarities, self.keys = every, every_key


def _by_task(task_ids: Sequence[int], best: _Nearest, count: int) -> Iterator[Neighbour]:
    nearest: dict[int, dict[int, float]] = {}
    for task_id, similarities, keys in zip(task_ids, best.similarities.tolist(), best.keys.tolist(), strict=True):
        of_task = nearest.setdefault(task_id, {})
        for similarity, key in zip(similarities, keys, strict=True):
            of_task[key] = max(similarity, of_task.get(key, -1.0))
    for task_id, of_task in nearest.items():
        ranked = sorted(of_task.items(), key=lambda found: (-found[1], found[0]))
        for key, similarity in ranked[:count]:
            yield Neighbour(task_id, key, round(similarity, 4))


def _embedded(texts: Sequence[str], embedder: Embeds) -> "NDArray[np.float32]":
    """The vectors of texts that are no queries, kept like those of queries."""
    hashes = {text_hash(text): text for text in texts}
    stored = Vector.objects.filter(model=embedder.name, text_hash__in=[*hashes]).values_list("text_hash", flat=True)
    missing = [one for one in hashes if one not in set(stored)]
    vectors = embedder.embed([hashes[one] for one in missing]).astype(LITTLE_ENDIAN_FLOAT32)
    rows = [
        Vector(text_hash=one, model=embedder.name, values=vector.tobytes())
        for one, vector in zip(missing, vectors, strict=True)
    ]
    Vector.objects.bulk_create(rows, batch_size=200, ignore_conflicts=True)
    return read_vectors([text_hash(text) for text in texts], embedder.name)


def _blocks(model: str, progress: Progress, size: int) -> Iterator[tuple[list[int], "NDArray[np.float32]"]]:
    """All candidates with their vectors, by key."""
    pool, last, seen = candidates(), 0, 0
    total = pool.count()
    while block := list(pool.filter(pk__gt=last).order_by("pk").values_list("pk", "text_hash")[:size]):
        yield [pk for pk, _ in block], read_vectors([one for _, one in block], model)
        last, seen = block[-1][0], seen + len(block)
        progress(seen, total)
