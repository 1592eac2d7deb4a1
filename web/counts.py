"""Counts on pages: one GROUP BY over an index, kept for ten seconds."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Model, QuerySet

from web.paging import Page

Answer = TypeVar("Answer")

SECONDS = 10


def kept_for_a_while(name: str, count: Callable[[], Answer], *, seconds: int = SECONDS) -> Answer:
    """What `count` answers, asked at most once in that time per name."""
    answer: Answer = cache.get_or_set(f"counts:{name}", count, seconds)  # type: ignore[assignment]  # never None here
    return answer


def counts_by(rows: QuerySet[Any], *columns: str) -> dict[Any, int]:
    """How many rows have each value of a column (or each tuple of values of several), kept for ten seconds."""
    grouped = rows.order_by().values_list(*columns).annotate(rows_counted=Count("*"))

    def count() -> dict[Any, int]:
        return {row[0] if len(columns) == 1 else tuple(row[:-1]): row[-1] for row in grouped}

    return kept_for_a_while(_name_of(grouped), count)


def values_of(model: type[Model], column: str) -> list[str]:
    """The values that a column has, kept for ten seconds; an index that leads with it is entered once for each."""
    table, name = map(connection.ops.quote_name, (model._meta.db_table, column))
    sql = f"""
        WITH RECURSIVE found(one) AS (
            SELECT (SELECT MIN({name}) FROM {table})
            UNION ALL
            SELECT (SELECT MIN({name}) FROM {table} WHERE {name} > found.one) FROM found WHERE found.one IS NOT NULL
        )
        SELECT one FROM found WHERE one IS NOT NULL
    """  # noqa: S608  # names of our own tables

    def read() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return [row[0] for row in cursor.fetchall()]

    return kept_for_a_while(f"values:{table}.{name}", read)


def counted(count: int, one: str, many: str = "") -> str:
    """1 query, 12,345 queries."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def counted_words(page: Page[Any], found: int | None, one: str, many: str) -> str:
    """12,345 queries. Where nobody counted (`found` is None), as much as the page itself tells."""
    if found is None and page.is_whole:
        found = len(page.rows)
    if found is not None:
        return counted(found, one, many)
    return "" if page.before else f"more than {len(page.rows):,} {many}"


def _name_of(rows: QuerySet[Any]) -> str:
    sql, parameters = rows.query.sql_with_params()
    return hashlib.sha256(f"{sql} {parameters!r}".encode()).hexdigest()
