"""Many rows into a table at once: COPY on PostgreSQL, executemany on SQLite. No object is made for a row."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL

# Any number that no other advisory lock of this database has.
IMPORTS_LOCK = 287_000


def take_turn() -> None:
    """Wait until no other import is storing; call it first in a transaction, whose end gives the turn on."""
    if connection.vendor == "postgresql":  # on SQLite whoever writes is alone anyway
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORTS_LOCK])


def reserve_keys(model: type[models.Model], count: int) -> Sequence[int]:
    """So many keys that no row of the table has had, ascending; on SQLite theirs only until the transaction ends."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sequence = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
            cursor.execute(sequence, [table, count])
            return sorted(key for (key,) in cursor.fetchall())
        cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
        [(last,)] = cursor.fetchall()
    return range(last + 1, last + 1 + count)


def listed(values: Sequence[str]) -> RawSQL:
    """What `…__in` compares with, as one parameter: hundreds of them cost more to write down than to look up."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT json_array_elements_text(%s::json)", [json.dumps(values)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(values)])


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows given as the values of these columns (JSON as text); other columns take the model's defaults."""
    if not rows:
        return
    defaults = {name: value for name, value in _defaults(model).items() if name not in names}
    column_of = {field.attname: _quoted(field.column) for field in model._meta.concrete_fields if field.column}
    columns = [column_of[name] for name in (*names, *defaults)]
    into = f"{_quoted(model._meta.db_table)} ({', '.join(columns)})"
    rest = tuple(defaults.values())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((*row, *rest))
            return
        places = ", ".join(["%s"] * len(columns))
        # Only the names of the model's own table and columns are put into the statement.
        cursor.executemany(f"INSERT INTO {into} VALUES ({places})", [(*row, *rest) for row in rows])  # noqa: S608


def as_stored(moment: datetime) -> str:
    """A moment as a value of a row."""
    return str(connection.ops.adapt_datetimefield_value(moment))


@cache
def _defaults(model: type[models.Model]) -> dict[str, Any]:
    """What the columns hold that may not be empty when nothing is said of them."""
    blank = model()
    return {
        field.attname: _default(field, getattr(blank, field.attname))
        for field in model._meta.concrete_fields
        if not (field.null or field.primary_key or field.generated)
    }


def _default(field: "models.Field[Any, Any]", value: Any) -> Any:
    if isinstance(field, models.JSONField):
        return json.dumps(value)
    return value.value if isinstance(value, models.Choices) else value


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))
