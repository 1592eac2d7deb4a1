"""Many rows that change alike: written, and noted, by one statement for all of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db import connection, models

# Rows that one statement names.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Alike:
    """The same columns of many rows of one table, all of them with the same values before and after."""

    model: type[models.Model]
    ids: Sequence[int]
    before: dict[str, Any]
    after: dict[str, Any]


# Keys of rows, and the values that all of them get.
Told = tuple[Sequence[int], Sequence[Any]]


def write_alike(changes: Sequence[Alike]) -> None:
    """Write the columns of all these changes: one statement for those of one table that change the same columns.

    A statement sets no column that stays: each index that holds one would be written again.
    """
    by_columns: dict[tuple[type[models.Model], tuple[str, ...]], list[Alike]] = defaultdict(list)
    for change in changes:
        by_columns[change.model, tuple(change.after)].append(change)
    for (model, names), some in by_columns.items():
        fields: list[Any] = [model._meta.get_field(name) for name in names]
        told = [
            (change.ids, [field.get_db_prep_save(change.after[field.name], connection) for field in fields])
            for change in some
        ]
        table = connection.ops.quote_name(model._meta.db_table)
        columns = [connection.ops.quote_name(field.column) for field in fields]
        sets = ", ".join(f"{column} = facts.value_{number}" for number, column in enumerate(columns))
        types = [field.cast_db_type(connection) for field in fields]
        for facts, parameters in _facts(told, types):
            sql = f"UPDATE {table} SET {sets} FROM ({facts}) AS facts WHERE {table}.id = facts.id"  # noqa: S608
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)


def insert_alike(model: type[models.Model], names: Sequence[str], key: str, told: Sequence[Told]) -> None:
    """Insert a row for each key: the key in column `key`, and in the columns `names` what is told of it."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    table, *columns = map(
        connection.ops.quote_name, [model._meta.db_table, key, *(str(field.column) for field in fields)]
    )
    values = ", ".join(f"value_{number}" for number in range(len(fields)))
    for facts, parameters in _facts(told, [field.cast_db_type(connection) for field in fields]):
        sql = f"INSERT INTO {table} ({', '.join(columns)}) SELECT id, {values} FROM ({facts}) AS facts"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)


def _facts(told: Sequence[Told], types: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """Selects of the columns id, value_0, value_1, …, each with its parameters, for so many keys at once."""
    for some in _in_parts(told):
        placed = ", ".join(f"({int(key)}, {place})" for place, (keys, _) in enumerate(some) for key in keys)
        # SQLite takes a value as it comes, and would make a number of a date; PostgreSQL would take all for texts.
        one = ", ".join(["%s"] * len(types) if connection.vendor == "sqlite" else [f"CAST(%s AS {t})" for t in types])
        values = ", ".join(f"({place}, {one})" for place in range(len(some)))
        columns = ", ".join(f"told.column{number + 2} AS value_{number}" for number in range(len(types)))
        facts = (
            f"SELECT placed.column1 AS id, {columns} FROM (VALUES {placed}) AS placed "  # noqa: S608
            f"JOIN (VALUES {values}) AS told ON told.column1 = placed.column2"
        )
        yield facts, list(chain.from_iterable(values for _, values in some))


def _in_parts(told: Sequence[Told]) -> Iterator[list[Told]]:
    """The same in parts of at most so many keys."""
    part: list[Told] = []
    room = AT_ONCE
    for keys, values in told:
        at = 0
        while at < len(keys):
            if room == 0:
                yield part
                part, room = [], AT_ONCE
            taken = keys[at : at + room]
            part.append((taken, values))
            at, room = at + len(taken), room - len(taken)
    if part:
        yield part
