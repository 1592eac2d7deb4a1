"""A block of queries beside what judges said of them: those that stand alike and were rated alike come together."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
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
AS_PLAIN: dict[str, Any] = {
    "decision_inputs": TextField,
    "decided_at": TextField,
    "disputed": IntegerField,
}
# No key is one of these.
FIRST, LAST = -1, -2


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
    groups = []
    for (levels, expected, held, plain), pks in alike.items():
        row, pattern = known[levels]
        row = _row(levels, expected) if expected else row
        groups.append(Group(pks, row, pattern, bool(held), _columns(plain)))
    return groups, newly_said


def _read(ids: Sequence[int], judges: Sequence[Judge], at: datetime) -> list[tuple[Any, ...]]:
    """Key, ratings, held, then state and value by each judge, its expected values, and the columns as plain values."""
    if connection.features.has_select_for_update:
        # By a statement of its own: no lock can be put on scores that may be missing.
        list(Query.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk", flat=True))
    sql, parameters = _statement(tuple(judge.pk for judge in judges), at)
    # As a range, which is read at once: few others stand between the keys of a block.
    ends, wanted = {FIRST: ids[0], LAST: ids[-1]}, set(ids)
    with connection.cursor() as cursor:
        cursor.execute(sql, [ends.get(one, one) for one in parameters])
        return [row for row in cursor.fetchall() if row[0] in wanted]


@lru_cache(maxsize=1)
def _statement(judges: tuple[int, ...], at: datetime) -> tuple[str, tuple[Any, ...]]:
    """The SQL that reads a block, and its parameters with FIRST and LAST in place of the keys at its ends.

    To write it anew for each block would take a third of what reading one takes.
    """
    said = {f"said_{pk}": FilteredRelation("scores", condition=Q(scores__judge=pk)) for pk in judges}
    held = Case(When(claimed_until__gt=at, then=Value(1)), default=Value(0), output_field=IntegerField())
    plain = {f"{name}_plain": Cast(name, kind()) for name, kind in AS_PLAIN.items()}
    levels = [f"{name}__{column}" for name in said for column in ("state", "value")]
    columns = [f"{name}_plain" if name in AS_PLAIN else name for name in COLUMNS]
    told = ("pk", "ratings", "held", *levels, *(f"{name}__expected" for name in said), *columns)
    queries = Query.objects.filter(pk__range=(FIRST, LAST)).order_by("pk").annotate(**said, held=held, **plain)
    sql, parameters = queries.values_list(*told).query.sql_with_params()
    return sql, tuple(parameters)


def _row(levels: Sequence[Any], expected: Sequence[float | None]) -> Row:
    pairs = zip(levels[::2], levels[1::2], expected, strict=True)
    return tuple(None if state is None else Said(value, mean) for state, value, mean in pairs)


def _columns(plain: Sequence[Any]) -> dict[str, Any]:
    """The columns as Python has them."""
    columns = dict(zip(COLUMNS, plain, strict=True))
    decided_at = None if columns["decided_at"] is None else datetime.fromisoformat(columns["decided_at"])
    if decided_at is not None and decided_at.tzinfo is None:
        decided_at = decided_at.replace(tzinfo=UTC)
    return columns | {
        "disputed": bool(columns["disputed"]),
        "decision_inputs": json.loads(columns["decision_inputs"]),
        "decided_at": decided_at,
    }
