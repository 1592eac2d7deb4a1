"""What SQLite's planner knows of the indexes, without which it takes a poor one; PostgreSQL renews it by itself."""

from collections import defaultdict

from django.apps import apps
from django.db import connection

# A table is looked at once it is large, and again when it has grown so many times over.
LARGE, GROWN = 1_000, 4


def renew_statistics(*, new_too: bool = False) -> list[str]:
    """Look at the indexes of tables that have grown, on demand also at those nobody has looked at; their names."""
    if connection.vendor != "sqlite":
        return []
    counted, looked_at = _known()
    wanted: list[str] = []
    for table, indexes in _indexes().items():
        if _has_more_than(table, LARGE):
            grown = _has_more_than(table, GROWN * counted[table])
            wanted += (index for index in indexes if grown or (new_too and index not in looked_at))
    with connection.cursor() as cursor:
        for index in wanted:
            # Each in a transaction of its own: nobody waits longer than reading one index takes.
            cursor.execute(f'ANALYZE "{index}"')
    return wanted


def _known() -> tuple[dict[str, int], set[str]]:
    """How many rows each table had when it was looked at, and the indexes of which something is known."""
    counted: dict[str, int] = defaultdict(int)
    with connection.cursor() as cursor:
        if not cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchall():
            return counted, set()
        known = cursor.execute("SELECT tbl, idx, CAST(stat AS INTEGER) FROM sqlite_stat1").fetchall()
    for table, _, rows in known:
        counted[table] = max(counted[table], rows)
    return counted, {index for _, index, _ in known}


def _indexes() -> dict[str, list[str]]:
    """The indexes of the tables of the program."""
    found: dict[str, list[str]] = {model._meta.db_table: [] for model in apps.get_models()}
    with connection.cursor() as cursor:
        for table, index in cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'").fetchall():
            if table in found:
                found[table].append(index)
    return found


def _has_more_than(table: str, count: int) -> bool:
    """By a look at its highest key, and else counted no further: keys of rows that are gone make no table large."""
    with connection.cursor() as cursor:
        highest = cursor.execute(f'SELECT MAX(rowid) FROM "{table}"').fetchall()[0][0] or 0  # noqa: S608
        if highest <= count:
            return False
        rows = f'SELECT COUNT(*) FROM (SELECT 1 FROM "{table}" LIMIT {count + 1})'  # noqa: S608
        return bool(cursor.execute(rows).fetchall()[0][0] > count)
