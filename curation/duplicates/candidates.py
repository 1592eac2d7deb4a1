"""Which texts may be alike: MinHash over word shingles, in bands, so that never all pairs are looked at.

Numbers and declared names count as one, so that variants and renamed code come near too. Needs the extra `dedup`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Places = NDArray[np.int64]

# Shows how far the bands are.
Progress = Callable[[Iterable[int]], Iterable[int]]

# 32 bands of 4: texts that share half of their shingles meet with 87 %, 60 % with 99 %, a tenth with 0.3 %.
BANDS, ROWS, SEED = 32, 4, 5
# Where more texts than this share a band, each meets the next ones only: what they share is boilerplate.
NEXT_ONES = 200
# Pairs that share less of their shingles (guessed from 128 bytes of each), or differ more in length, are left.
# One slip takes a third of the shingles of a text of six words along, and hardly any of a long one.
LEAST_SHARED, LEAST_SHARED_OF_FEW, FEW_WORDS = 0.5, 0.3, 15
LENGTH_SLACK, SLACK_WORDS = 0.15, 2
DIGITS = re.compile(r"\d+")
MODULES = ("rensa", "spellchecker", "numpy")


class MissingExtra(ImportError):
    """A package of the extra `dedup` is not installed."""


def require() -> None:
    """Raise MissingExtra unless the extra is there; there is no stand-in for it."""
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{', '.join(missing)} not found: the extra `dedup` is not installed; run `pip install -e '.[dedup]'` in "
            "the project's environment, or compare the form alone with --by form"
        )


def shingles(words: Sequence[str], names: frozenset[str]) -> list[str]:
    """Single words and pairs of neighbours: numbers and names masked, letters sorted, so that swaps do not count."""
    masked = ["@" if word in names else DIGITS.sub("0", "".join(sorted(word))) for word in words]
    return [*masked, *(f"{one} {other}" for one, other in pairwise(masked))]


class Sketches:
    """What is kept of each text: its key, its length, and 256 bytes."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Any, ...]] = []

    def add(self, keys: Sequence[int], lengths: Sequence[int], token_sets: list[list[str]]) -> None:
        """Sketch a block of texts; their keys rise from block to block."""
        import numpy as np
        from rensa import RMinHash

        if not keys:
            return
        rows = np.array(RMinHash.digests_from_token_sets(token_sets, BANDS * ROWS, SEED), dtype=np.uint64)
        band = np.zeros((len(keys), BANDS), dtype=np.uint64)
        for column in rows.reshape(len(keys), BANDS, ROWS).transpose(2, 0, 1):
            band = (band ^ column) * np.uint64(0x9E3779B97F4A7C15)  # any odd number that mixes the bits
            band ^= band >> np.uint64(29)
        whole = np.asarray(keys, dtype=np.int64), np.asarray(lengths, dtype=np.int32)
        self._blocks.append(
            (*whole, (band >> np.uint64(32)).astype(np.uint32), (rows & np.uint64(255)).astype(np.uint8))
        )

    def pairs(self, progress: Progress = lambda bands: bands) -> Iterator[tuple[int, list[int]]]:
        """Each text with the earlier ones it may be like; texts and earlier ones in rising order of keys."""
        import numpy as np

        if not self._blocks:
            return
        keys, lengths, bands, rows = (np.concatenate(column) for column in zip(*self._blocks, strict=True))
        found = np.zeros(0, dtype=np.int64)
        for number in progress(range(BANDS)):
            met: list[Places] = []
            for earlier, later in _meeting(bands[:, number]):
                alike = _alike(earlier, later, lengths, rows)
                met.append(later[alike] * len(keys) + earlier[alike])
            found = np.unique(np.concatenate([found, *met]))
        later, earlier = np.divmod(found, len(keys))
        starts = np.flatnonzero(np.diff(later, prepend=-1))
        for start, end in pairwise([*starts, len(later)]):
            yield int(keys[later[start]]), keys[earlier[start:end]].tolist()


def _meeting(band: "NDArray[np.uint32]") -> "Iterator[tuple[Places, Places]]":
    """The places of texts with the same band, earlier and later; first neighbours, then those one further apart."""
    import numpy as np

    order = np.argsort(band, kind="stable")
    ordered = band[order]
    for step in range(1, min(NEXT_ONES, len(order) - 1) + 1):
        starts = np.flatnonzero(ordered[step:] == ordered[:-step])
        if not len(starts):
            return
        yield order[starts], order[starts + step]


def _alike(earlier: "Places", later: "Places", lengths: "NDArray[np.int32]", rows: "NDArray[np.uint8]") -> "Places":
    """Which of the pairs may be alike, by their lengths and by the share of bytes that agree."""
    import numpy as np

    short, long = np.sort([lengths[earlier], lengths[later]], axis=0)
    near = np.flatnonzero(long - short <= SLACK_WORDS + LENGTH_SLACK * short)
    shared = (rows[earlier[near]] == rows[later[near]]).mean(axis=1)
    enough: Places = near[shared >= np.where(short[near] < FEW_WORDS, LEAST_SHARED_OF_FEW, LEAST_SHARED)]
    return enough
