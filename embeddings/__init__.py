"""Texts → unit vectors → exact neighbours. Needs the extra `embeddings`; plain Python, no Django."""

from .extra import MissingExtra, require
from .models import Embedder, Embeds
from .neighbours import nearest

__all__ = ["Embedder", "Embeds", "MissingExtra", "nearest", "require"]
