"""For each benchmark task the queries that lie nearest to it in meaning, out of a pool of any size.

Vectors of queries are read in blocks and only the nearest few of each task are kept, so memory stays the same. Some
queries lie near everything and would take the places of others at every task; so a query is ranked by how near it lies
to this task beyond how near it lies to tasks at large.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
# A query lies near tasks at large as it does to this many of its nearest ones; so much of that is taken off its rank.
AT_LARGE, AT_LARGE_SHARE = 10, 0.5
DOCSTRING = re.compile(r"\"\"\"(.*?)\"\"\"|'''(.*?)'''", re.DOTALL)
EXAMPLES = re.compile(r">>>|\n\s*(?:for )?examples?\b|\n\s*\n", re.IGNORECASE)

# Hears how many of how many queries were looked at.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A query that is among the nearest of a task, and how similar the two are: a cosine."""

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
    return list(dict.fromkeys(view for view in (told, prose) if view)) or [prompt]


def nearest_queries(count: int, embedder: Embeds, progress: Progress, *, block: int = BLOCK) -> Iterator[Neighbour]:
    """The nearest `count` queries of each task, nearest first; all candidates must have their vector."""
    import numpy as np

    tasks = BenchmarkTask.objects.filter(benchmark__withdrawn=False).order_by("pk").values_list("pk", "prompt")
    views = {task_id: views_of(prompt) for task_id, prompt in tasks}
    references = _references(views, embedder)
    best = _Nearest(len(views), count)
    for keys, vectors in _blocks(embedder.name, progress, block):
        best.offer(references @ vectors.T, np.array(keys))
    for task_id, found in zip(views, best.found(), strict=True):
        for key, similarity in found:
            yield Neighbour(task_id, key, round(similarity, 4))


class _Nearest:
    """The queries of highest rank seen so far, one row per task."""

    def __init__(self, tasks: int, count: int) -> None:
        import numpy as np

        self.count = count
        self.ranks: NDArray[np.float32] = np.empty((tasks, 0), dtype=np.float32)
        self.similarities: NDArray[np.float32] = np.empty((tasks, 0), dtype=np.float32)
        self.keys: NDArray[np.int64] = np.empty((tasks, 0), dtype=np.int64)

    def offer(self, similarities: "NDArray[np.float32]", keys: "NDArray[np.int64]") -> None:
        """Similarities of all tasks to some queries."""
        import numpy as np

        nearest_tasks = min(AT_LARGE, len(similarities))
        at_large = np.partition(similarities, -nearest_tasks, axis=0)[-nearest_tasks:].mean(axis=0)
        ranks = np.concatenate([self.ranks, similarities - AT_LARGE_SHARE * at_large], axis=1)
        every = np.concatenate([self.similarities, similarities], axis=1)
        every_key = np.concatenate([self.keys, np.broadcast_to(keys, similarities.shape)], axis=1)
        kept = min(self.count, ranks.shape[1])
        places = np.argpartition(-ranks, kept - 1, axis=1)[:, :kept]
        self.ranks = np.take_along_axis(ranks, places, axis=1)
        self.similarities = np.take_along_axis(every, places, axis=1)
        self.keys = np.take_along_axis(every_key, places, axis=1)

    def found(self) -> Iterator[list[tuple[int, float]]]:
        """Per task key and similarity, the most similar first."""
        for keys, similarities in zip(self.keys.tolist(), self.similarities.tolist(), strict=True):
            yield sorted(zip(keys, similarities, strict=True), key=lambda one: (-one[1], one[0]))


def _references(views: Mapping[int, list[str]], embedder: Embeds) -> "NDArray[np.float32]":
    """One row per task, the mean of its views: its product with a query is the mean of their similarities."""
    import numpy as np

    vectors = _embedded([view for of_task in views.values() for view in of_task], embedder)
    ends = np.cumsum([len(of_task) for of_task in views.values()])
    return np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])])


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
