"""Counts that the database keeps by itself: beside a large table a small one, a row for each cell, moved by triggers.

How many rows a list has is then a sum over some hundred cells, however large the table is. On SQLite, where one writes
at a time, a cell's row is changed. On PostgreSQL each statement adds rows of its own, so that nobody waits for a cell
that another has changed; `fold` sums them up from time to time.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model, QuerySet, Sum

# So many rows more than there are cells may wait for `fold`.
LOOSE_ROWS = 1_000
EVENTS = ("insert", "update", "delete", "truncate")


def summed(cells: QuerySet[Any], *columns: str) -> Counter[Any]:
    """How many rows have each value of a column (or each tuple of values of several), by the cells of a kept count."""
    grouped = cells.order_by().values_list(*columns).annotate(total=Sum("n")).filter(total__gt=0)
    return Counter({row[0] if len(columns) == 1 else tuple(row[:-1]): row[-1] for row in grouped})


def total(cells: QuerySet[Any]) -> int:
    """How many rows these cells count."""
    return int(cells.aggregate(total=Sum("n"))["total"] or 0)


def fold(model: type[Model]) -> int:
    """Make one row of all rows of a cell, and none of an empty one; returns how many rows fewer there are.

    One statement: whoever reads meanwhile sees the same sums, and what others add meanwhile stays for the next time.
    """
    table = model._meta.db_table
    names = ", ".join(str(field.column) for field in model._meta.concrete_fields if field.name not in ("id", "n"))
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f'DELETE FROM "{table}" WHERE n = 0')  # noqa: S608  # names of our own tables
            return int(cursor.rowcount)
        cursor.execute(f'SELECT COUNT(*), COUNT(DISTINCT ({names})) FROM "{table}"')  # noqa: S608
        [(rows, cells)] = cursor.fetchall()
        if rows < cells + LOOSE_ROWS:
            return 0
        cursor.execute(
            f'WITH gone AS (DELETE FROM "{table}" RETURNING *) INSERT INTO "{table}" ({names}, n) '  # noqa: S608
            f"SELECT {names}, SUM(n) FROM gone GROUP BY {names} HAVING SUM(n) <> 0"
        )
        return int(rows - cursor.rowcount)


class KeepCounts(Operation):
    """Migration operation: keep in the table `counts`, in column `n`, how many rows of `table` each cell has.

    `cells` gives for each column of `counts` the SQL of its value, never null, with `{row}` in place of the row;
    `among`, likewise, says which rows are counted. An update can move a row only where it sets one of `moved_by`.
    Named again, it counts anew: that has to follow each migration for which Django makes `table` anew on SQLite.
    """

    reversible = True

    def __init__(
        self, counts: str, table: str, cells: Mapping[str, str], *, moved_by: Sequence[str], among: str = ""
    ) -> None:
        self.counts, self.table, self.cells, self.moved_by = counts, table, dict(cells), list(moved_by)
        self.among = among or "{row}.id IS NOT NULL"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are no part of Django's model state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self.database_backwards(app_label, schema_editor, from_state, to_state)
        places = ", ".join(str(number) for number in range(1, len(self.cells) + 1))
        schema_editor.execute(f'DELETE FROM "{self.counts}"')  # noqa: S608
        schema_editor.execute(
            f'INSERT INTO "{self.counts}" ({self._names}, n) SELECT {self._of(self.table)}, COUNT(*) '  # noqa: S608
            f'FROM "{self.table}" WHERE {self.among.format(row=self.table)} GROUP BY {places}'
        )
        for statement in self._postgresql() if schema_editor.connection.vendor == "postgresql" else self._sqlite():
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for event in EVENTS:
                schema_editor.execute(f'DROP TRIGGER IF EXISTS "{self.counts}_{event}" ON "{self.table}"')
            schema_editor.execute(f'DROP FUNCTION IF EXISTS "{self.counts}_keep"')
            return
        for event in EVENTS:
            schema_editor.execute(f'DROP TRIGGER IF EXISTS "{self.counts}_{event}"')
        schema_editor.execute(f'DROP INDEX IF EXISTS "{self.counts}_cell"')

    def describe(self) -> str:
        return f"Keep in {self.counts} how many rows of {self.table} each cell has"

    @property
    def _names(self) -> str:
        return ", ".join(self.cells)

    def _of(self, row: str) -> str:
        return ", ".join(value.format(row=row) for value in self.cells.values())

    def _sqlite(self) -> list[str]:
        """A row of the table moves from the old cell to the new one, if it moves at all."""
        same = " AND ".join(f"{name} = {value.format(row='old')}" for name, value in self.cells.items())
        enter = (
            f'INSERT INTO "{self.counts}" ({self._names}, n) SELECT {self._of("new")}, 1 '
            f"WHERE {self.among.format(row='new')} ON CONFLICT ({self._names}) DO UPDATE SET n = n + 1;"
        )
        leave = f'UPDATE "{self.counts}" SET n = n - 1 WHERE {same} AND ({self.among.format(row="old")});'  # noqa: S608
        told = [*self.cells.values(), f"({self.among})"]
        moved = " OR ".join(f"{one.format(row='old')} IS NOT {one.format(row='new')}" for one in told)
        trigger = f'CREATE TRIGGER "{self.counts}_{{}}" AFTER {{}} ON "{self.table}" {{}} BEGIN {{}} END'
        return [
            f'CREATE UNIQUE INDEX "{self.counts}_cell" ON "{self.counts}" ({self._names})',
            trigger.format("insert", "INSERT", "", enter),
            trigger.format("delete", "DELETE", "", leave),
            trigger.format("update", f"UPDATE OF {', '.join(self.moved_by)}", f"WHEN {moved}", f"{leave} {enter}"),
        ]

    def _postgresql(self) -> list[str]:
        """Each statement adds what it did to the cells that it changed."""

        def side(rows: str, count: int) -> str:
            return f"SELECT {self._of(rows)}, {count} FROM {rows} WHERE {self.among.format(row=rows)}"  # noqa: S608

        def added(sides: str) -> str:
            return (
                f'INSERT INTO "{self.counts}" ({self._names}, n) SELECT {self._names}, SUM(n) '  # noqa: S608
                f"FROM ({sides}) AS moved ({self._names}, n) GROUP BY {self._names} HAVING SUM(n) <> 0;"
            )

        entered, gone = side("entered", 1), side("gone", -1)
        keep = f"""
            CREATE FUNCTION "{self.counts}_keep"() RETURNS trigger LANGUAGE plpgsql AS $keep$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    {added(entered)}
                ELSIF TG_OP = 'UPDATE' THEN
                    {added(f"{entered} UNION ALL {gone}")}
                ELSIF TG_OP = 'DELETE' THEN
                    {added(gone)}
                ELSE
                    TRUNCATE "{self.counts}";
                END IF;
                RETURN NULL;
            END $keep$
        """
        trigger = (
            f'CREATE TRIGGER "{self.counts}_{{}}" AFTER {{}} ON "{self.table}" {{}} '
            f'FOR EACH STATEMENT EXECUTE FUNCTION "{self.counts}_keep"()'
        )
        new, old = "NEW TABLE AS entered", "OLD TABLE AS gone"
        return [
            keep,
            trigger.format("insert", "INSERT", f"REFERENCING {new}"),
            trigger.format("update", "UPDATE", f"REFERENCING {old} {new}"),
            trigger.format("delete", "DELETE", f"REFERENCING {old}"),
            trigger.format("truncate", "TRUNCATE", ""),
        ]
