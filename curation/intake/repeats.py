"""Rows that stood before a file that holds them too: they move there when their own file is withdrawn."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from curation.models import ImportBatch


def links_of(model: type[models.Model]) -> Any:
    """The table that says which further files hold a row; `model` has it as `also_in`."""
    return model._meta.get_field("also_in").remote_field.through  # type: ignore[union-attr]


def note_repeats(model: type[models.Model], keys: Iterable[int], batch: ImportBatch) -> None:
    """Remember that this file holds these rows too, which another brought."""
    links, row = links_of(model), f"{model._meta.model_name}_id"
    links.objects.bulk_create([links(importbatch=batch, **{row: pk}) for pk in keys], ignore_conflicts=True)
