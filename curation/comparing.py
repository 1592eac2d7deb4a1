"""A block of queries beside what judges said of them: those that stand alike and were rated alike come together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, FilteredRelation, IntegerField, Q, TextField, Value, When
from django.db.models.functions import Cast

from curation.models import Judge, Query
from curation.readings import Row, Said, pattern_of

FACTS = ("scoring", "mean", "raw_gap", "linked_gap", "disputed", "flip_risk", "cell_rarity")
DECIDED = ("decision", "decision_rule", "decision_inputs")
COLUMNS = (*FACTS, *DECIDED, "decided_at", "decision_version", "version")
# To turn these into Python for each row would take longer than all the rest; as text or number they compare as well.
AS_PLAIN = {"decision_inputs": TextField, "decided_at": TextField, "disputed": IntegerField}


@dataclass(frozen=True, slots=True)
class Group:
    """Queries with the same scores and the same columns; `held`: somebody has them open."""

    ids: Sequence[int]
    row: Row
    pattern: str
    held: bool
    now: Mapping[str, Any]


def compared(
    ids: Sequence[int], judges: Sequence[Judge], *, at: datetime, with_expected: bool
) -> tuple[list[Group], dict[int, Row]]:
    """The queries in groups, and what was said of those whose `ratings` tell something else.

    Expected values differ from query to query, so they enter the groups only where they decide. Call it inside a
    transaction, with the keys in order.
    """
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    known: dict[tuple[Any, ...], tuple[Row, str]] = {}
    newly_said: dict[int, Row] = {}
    width = len(judges)
    for pk, ratings, held, *told in _read(ids, judges, at):
        levels, expected, stands = tuple(told[: 2 * width]), tuple(told[2 * width : 3 * width]), told[3 * width :]
        if levels not in known:
            row = _row(levels, (None,) * width)
            known[levels] = row, pattern_of(row, judges)
        alike[levels, expected if with_expected else (), held, tuple(stands)].append(pk)
        if ratings != known[levels][1]:
            newly_said[pk] = _row(levels, expected)
    now = _columns_of([pks[0] for pks in alike.values()])
    groups = [
        Group(pks, _row(levels, expected) if expected else known[levels][0], known[levels][1], bool(held), now[pks[0]])
        for (levels, expected, held, _), pks in alike.items()
    ]
    return groups, newly_said


def _read(ids: Sequence[int], judges: Sequence[Judge], at: datetime) -> list[tuple[Any, ...]]:
    """Key, ratings, held, then state and value by each judge, its expected values, and the columns."""
    said = {f"said_{judge.pk}": FilteredRelation("scores", condition=Q(scores__judge=judge)) for judge in judges}
    held = Case(When(claimed_until__gt=at, then=Value(1)), default=Value(0), output_field=IntegerField())
    texts = {f"{name}_plain": Cast(name, kind()) for name, kind in AS_PLAIN.items()}
    levels = [f"{name}__{column}" for name in said for column in ("state", "value")]
    columns = [f"{name}_plain" if name in AS_PLAIN else name for name in COLUMNS]
    # As a range, which is read at once: few others stand between the keys of a block.
    here, wanted = Query.objects.filter(pk__range=(ids[0], ids[-1])).order_by("pk"), set(ids)
    if connection.features.has_select_for_update:
        # By a statement of its own: no lock can be put on scores that may be missing.
        list(here.select_for_update().values_list("pk", flat=True))
    queries = here.annotate(**said, held=held, **texts)
    told = ("pk", "ratings", "held", *levels, *(f"{name}__expected" for name in said), *columns)
    return [row for row in queries.values_list(*told) if row[0] in wanted]


def _row(levels: Sequence[Any], expected: Sequence[float | None]) -> Row:
    pairs = zip(levels[::2], levels[1::2], expected, strict=True)
    return tuple(None if state is None else Said(value, mean) for state, value, mean in pairs)


def _columns_of(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    rows = Query.objects.filter(pk__in=ids).order_by().values_list("pk", *COLUMNS)
    return {pk: dict(zip(COLUMNS, values, strict=True)) for pk, *values in rows}
