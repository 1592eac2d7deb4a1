"""Exact nearest neighbours of unit vectors: faiss proposes in float32, float64 decides, ties go to the lower index."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Indices = NDArray[np.int64]
    Similarities = NDArray[np.float64]

BLOCK = 1024
# Candidates asked for beyond those wanted, so that ties at the edge are seen.
SPARE = 8
# Above the rounding error of a float32 product of unit vectors, and of a float64 one.
FLOAT32_DOUBT = 1e-5
DECIMALS = 9


def nearest(
    vectors: "Vectors", k: int, *, block: int = BLOCK, progress: Callable[[range], Iterable[int]] = iter
) -> "tuple[Indices, Similarities]":
    """For each row the indices of its k nearest other rows, nearest first, and their cosine similarities.

    Fewer columns when there are not k other rows. `progress` is handed the places at which blocks of rows begin.
    """
    import faiss
    import numpy as np

    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    width = min(k, max(len(rows) - 1, 0))
    indices = np.empty((len(rows), width), dtype=np.int64)
    similarities = np.empty((len(rows), width), dtype=np.float64)
    if width == 0:
        return indices, similarities
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    wanted = min(width + 1 + SPARE, len(rows))
    for start in progress(range(0, len(rows), block)):
        numbers = np.arange(start, min(start + block, len(rows)))
        rough, found = index.search(rows[numbers], wanted)
        ranked, ranked_similarities = _ranked(rows, numbers, found, width)
        indices[numbers], similarities[numbers] = ranked, ranked_similarities
        if wanted < len(rows):
            # What faiss left out may be as near as the last one taken: look at every row instead.
            for row in np.flatnonzero(rough[:, -1] >= ranked_similarities[:, -1] - FLOAT32_DOUBT):
                indices[numbers[row]], similarities[numbers[row]] = _among_all(rows, int(numbers[row]), width)
    return indices, similarities


def _ranked(rows: "Vectors", numbers: "Indices", candidates: "Indices", width: int) -> "tuple[Indices, Similarities]":
    """The best `width` candidates of each numbered row, the row itself left out."""
    import numpy as np

    exact = np.einsum("rd,rcd->rc", rows[numbers].astype(np.float64), rows[candidates].astype(np.float64))
    exact = np.round(exact, DECIMALS)
    exact[candidates == numbers[:, None]] = -np.inf
    order = np.lexsort((candidates, -exact), axis=-1)[:, :width]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(exact, order, axis=1)


def _among_all(rows: "Vectors", number: int, width: int) -> "tuple[Indices, Similarities]":
    """The same for one row with every row as a candidate that could be among its nearest."""
    import numpy as np

    rough = rows @ rows[number]
    edge = np.partition(rough, -(width + 1))[-(width + 1)]
    candidates = np.flatnonzero(rough >= edge - FLOAT32_DOUBT)
    ranked, similarities = _ranked(rows, np.array([number]), candidates[None, :], width)
    return ranked[0], similarities[0]
