"""Rows that stood before a file that holds them too: they move there when their own file is withdrawn."""

from collections.abc import Iterable
from typing import Any

from curation.models import HeldByFiles, ImportBatch


def links_of(model: type[HeldByFiles]) -> Any:
    """The table that says which further files hold a row."""
    return model.also_in.through


def note_repeats(model: type[HeldByFiles], keys: Iterable[int], batch: ImportBatch) -> None:
    """Remember that this file holds these rows too, which another brought."""
    links, row = links_of(model), f"{model._meta.model_name}_id"
    links.objects.bulk_create([links(importbatch=batch, **{row: pk}) for pk in keys], ignore_conflicts=True)
