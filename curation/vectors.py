"""The stored vectors of queries: embed what has none yet, read them back in a given order."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from curation.models import Vector
from curation.models.queries import QueryQuerySet
from embeddings import Embeds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 200
LITTLE_ENDIAN_FLOAT32 = "<f4"


def without_vector(queries: QueryQuerySet, model: str) -> QueryQuerySet:
    """Those queries whose text this model has not embedded yet."""
    stored = Vector.objects.filter(text_hash=OuterRef("text_hash"), model=model)
    return queries.filter(~Exists(stored)).order_by("pk")


def embed_missing(queries: QueryQuerySet, embedder: Embeds) -> Iterator[int]:
    """Embed and store what is missing, block by block; yields the key of each query once its vector is stored."""
    missing, last = without_vector(queries, embedder.name), 0
    while block := list(missing.filter(pk__gt=last).values_list("pk", "text_hash", "text")[:BLOCK]):
        vectors = embedder.embed([text for _, _, text in block]).astype(LITTLE_ENDIAN_FLOAT32)
        rows = [
            Vector(text_hash=text_hash, model=embedder.name, values=vector.tobytes())
            for (_, text_hash, _), vector in zip(block, vectors, strict=True)
        ]
        Vector.objects.bulk_create(rows, ignore_conflicts=True)
        last = block[-1][0]
        yield from (pk for pk, _, _ in block)


def fill_vectors(queries: QueryQuerySet, embedder: Embeds) -> int:
    """Embed and store what is missing; says how many that were."""
    return sum(1 for _ in embed_missing(queries, embedder))


def read_vectors(text_hashes: Sequence[str], model: str) -> "NDArray[np.float32]":
    """One row per hash, in their order; every hash must have been filled before."""
    import numpy as np

    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(text_hashes), BLOCK):
        block = text_hashes[start : start + BLOCK]
        stored = Vector.objects.filter(model=model, text_hash__in=block).values_list("text_hash", "values")
        by_hash = {text_hash: np.frombuffer(values, dtype=LITTLE_ENDIAN_FLOAT32) for text_hash, values in stored}
        rows.extend(by_hash[text_hash] for text_hash in block)
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, 0), dtype=np.float32)
