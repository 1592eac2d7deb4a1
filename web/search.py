"""Full-text search on either database: one index per table, one function to ask it."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.expressions import RawSQL

Rows = TypeVar("Rows", bound=models.QuerySet[Any])

WORD = re.compile(r"\w+", re.UNICODE)
# PostgreSQL refuses a tsvector above 1 MB; words beyond this many characters of a text are not found.
INDEXED_CHARACTERS = 100_000
# PostgreSQL takes `os.path` for a host and `<String>` for a tag, and would find neither by its words.
MARKS_OF_HOSTS_AND_TAGS = "[-./:@<>&~#=?+]"
# So many matches PostgreSQL looks up one by one; more it joins in the order of the list.
LOOKED_UP = 2_000
# Keys that stand closer than this are asked for as a range: SQLite reads so many matches while it looks one key up.
DENSE = 64


def words_of(search: str) -> list[str]:
    """The words of what a person typed, without any operator of either database."""
    return WORD.findall(search)[:20]


def matching(rows: Rows, search: str, *, expected: int = 0) -> Rows:
    """Rows whose indexed text holds every word of the search; all rows when it holds no word.

    `expected`: how many may match, where that is known; it chooses the way to them and changes nothing else.
    """
    words = words_of(search)
    if not words:
        return rows
    sql, parameters = _sought(rows.model._meta.db_table, words)
    if connection.vendor == "postgresql":
        # Read at once: for a rare word PostgreSQL would else walk the whole list and ask for each of its rows. "Offset"
        # keeps the two apart, so that it does so only with what was read.
        sql = f"{sql} OFFSET 0" if expected > LOOKED_UP else f"SELECT unnest(ARRAY({sql}))"
    return rows.filter(pk__in=RawSQL(sql, parameters))


def expected_matches(model: type[models.Model], search: str, *, most: int) -> int:
    """How many rows match, `most` at most. SQLite counts them, PostgreSQL has an estimate."""
    sql, parameters = _sought(model._meta.db_table, words_of(search))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
            return min(int(cursor.fetchone()[0][0]["Plan"]["Plan Rows"]), most)
        cursor.execute(f"{sql} LIMIT {int(most)}", parameters)
        return len(cursor.fetchall())


def matching_among(model: type[models.Model], search: str, keys: Sequence[int]) -> set[int]:
    """Which of these rows match. The index is entered where they stand, however many others match."""
    if not keys:
        return set()
    sql, parameters = _sought(model._meta.db_table, words_of(search))
    key = "id" if connection.vendor == "postgresql" else "rowid"
    first, last = min(keys), max(keys)
    is_dense = connection.vendor != "postgresql" and last - first < DENSE * len(keys)
    place = f"BETWEEN {int(first)} AND {int(last)}" if is_dense else f"IN ({', '.join(str(int(one)) for one in keys)})"
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} AND {key} {place}", parameters)
        return {row[0] for row in cursor.fetchall()}.intersection(keys)


def _sought(table: str, words: list[str]) -> tuple[str, tuple[str, ...]]:
    """The statement that finds the keys of the rows that hold all words."""
    if connection.vendor == "postgresql":
        found = " & ".join(f"'{word}'" for word in words)
        return f'SELECT id FROM "{table}_search" WHERE search @@ to_tsquery(%s, %s)', ("simple", found)
    found = " ".join(f'"{word}"' for word in words)
    return f'SELECT rowid FROM "{table}_fts" WHERE "{table}_fts" MATCH %s', (found,)


class AddSearch(Operation):
    """Migration operation: index some text columns of a table, kept up to date by the database itself."""

    reversible = True

    def __init__(self, table: str, columns: list[str]) -> None:
        self.table, self.columns = table, columns

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The index is no part of Django's model state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        statements = self._postgresql() if schema_editor.connection.vendor == "postgresql" else self._sqlite()
        for statement in statements:
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        for statement in self._dropped_postgresql() if is_postgresql else self._dropped_sqlite():
            schema_editor.execute(statement)

    def describe(self) -> str:
        return f"Index {', '.join(self.columns)} of {self.table} for search"

    def _postgresql(self) -> list[str]:
        # In a table of its own: beside the text, each change of any column would enter all words of the row anew.
        table, own, entered = self.table, f"{self.table}_search", f"INSERT INTO {self.table}_search (id, search)"
        one = f"SELECT new.id, {self._words('new')}"
        keep = f"""
            CREATE FUNCTION "{own}_keep"() RETURNS trigger LANGUAGE plpgsql AS $keep$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    {entered} SELECT id, {self._words("entered")} FROM entered;
                ELSIF TG_OP = 'UPDATE' THEN
                    {entered} {one} ON CONFLICT (id) DO UPDATE SET search = excluded.search;
                ELSIF TG_OP = 'DELETE' THEN
                    DELETE FROM {own} USING gone WHERE {own}.id = gone.id;
                ELSE
                    TRUNCATE {own};
                END IF;
                RETURN NULL;
            END $keep$
        """
        changed = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in self.columns)
        call = f'EXECUTE FUNCTION "{own}_keep"()'
        after = f'CREATE TRIGGER "{own}_{{}}" AFTER {{}} ON "{table}" {{}} FOR EACH {{}} {call}'
        return [
            f'CREATE TABLE "{own}" (id bigint PRIMARY KEY, search tsvector NOT NULL)',
            f'{entered} SELECT id, {self._words(table)} FROM "{table}"',
            f'CREATE INDEX "{own}_words" ON "{own}" USING GIN (search)',
            keep,
            after.format("insert", "INSERT", "REFERENCING NEW TABLE AS entered", "STATEMENT"),
            after.format("delete", "DELETE", "REFERENCING OLD TABLE AS gone", "STATEMENT"),
            after.format("truncate", "TRUNCATE", "", "STATEMENT"),
            after.format("update", f"UPDATE OF {', '.join(self.columns)}", "", f"ROW WHEN ({changed})"),
        ]

    def _words(self, row: str) -> str:
        """What PostgreSQL finds of a row."""
        text = " || ' ' || ".join(
            f"left(coalesce({row}.{column}, ''), {INDEXED_CHARACTERS})" for column in self.columns
        )
        # translate() would take three times as long over text that is not ASCII alone.
        return f"to_tsvector('simple', regexp_replace({text}, '{MARKS_OF_HOSTS_AND_TAGS}', ' ', 'g'))"

    def _dropped_postgresql(self) -> list[str]:
        own, events = f"{self.table}_search", ("insert", "delete", "truncate", "update")
        triggers = [f'DROP TRIGGER IF EXISTS "{own}_{event}" ON "{self.table}"' for event in events]
        # Once the words stood in a column of the table itself.
        column = f'ALTER TABLE "{self.table}" DROP COLUMN IF EXISTS search'
        return [column, *triggers, f'DROP FUNCTION IF EXISTS "{own}_keep"', f'DROP TABLE IF EXISTS "{own}"']

    def _dropped_sqlite(self) -> list[str]:
        triggers = [f'DROP TRIGGER IF EXISTS "{self.table}_fts_{event}"' for event in ("insert", "delete", "update")]
        return [*triggers, f'DROP TABLE IF EXISTS "{self.table}_fts"']

    def _sqlite(self) -> list[str]:
        fts, columns = f"{self.table}_fts", ", ".join(self.columns)
        new = ", ".join(f"new.{column}" for column in self.columns)
        old = ", ".join(f"old.{column}" for column in self.columns)
        insert = f'INSERT INTO "{fts}" (rowid, {columns}) VALUES (new.id, {new});'
        delete = f'INSERT INTO "{fts}" ("{fts}", rowid, {columns}) VALUES (\'delete\', old.id, {old});'
        return [
            f"CREATE VIRTUAL TABLE \"{fts}\" USING fts5({columns}, content='{self.table}', content_rowid='id')",
            f'INSERT INTO "{fts}" ("{fts}") VALUES (\'rebuild\')',
            f'CREATE TRIGGER "{fts}_insert" AFTER INSERT ON "{self.table}" BEGIN {insert} END',
            f'CREATE TRIGGER "{fts}_delete" AFTER DELETE ON "{self.table}" BEGIN {delete} END',
            f'CREATE TRIGGER "{fts}_update" AFTER UPDATE OF {columns} ON "{self.table}" BEGIN {delete} {insert} END',
        ]


class _SearchAgain(AddSearch):
    """The same index once more, on one of the databases; going back leaves it, since either finds the same words."""

    vendor = ""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing to take back."""

    def describe(self) -> str:
        return f"Index {self.table} for search again on {self.vendor}"


class RebuildSearch(_SearchAgain):
    """Migration operation: index PostgreSQL's words as it is done today."""

    vendor = "postgresql"


class RestoreSearch(_SearchAgain):
    """Migration operation: to follow each migration for which Django makes the table of SQLite anew.

    It does so for a new column that may not be null and for a constraint, and the triggers go with the old table.
    """

    vendor = "sqlite"
