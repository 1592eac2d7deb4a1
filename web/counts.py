"""Counts on pages: one GROUP BY over a covering index, kept for ten seconds."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import cache
from django.db.models import Count, QuerySet

Answer = TypeVar("Answer")

SECONDS = 10
COUNTED_AT_MOST = 10_000


def kept_for_a_while(name: str, count: Callable[[], Answer], *, seconds: int = SECONDS) -> Answer:
    """What `count` answers, asked at most once in that time per name."""
    answer: Answer = cache.get_or_set(f"counts:{name}", count, seconds)  # type: ignore[assignment]  # never None here
    return answer


def counts_by(rows: QuerySet[Any], *columns: str) -> dict[Any, int]:
    """How many rows have each value of a column (or each tuple of values of several), kept for ten seconds."""
    grouped = rows.order_by().values_list(*columns).annotate(rows_counted=Count("pk"))

    def count() -> dict[Any, int]:
        return {row[0] if len(columns) == 1 else tuple(row[:-1]): row[-1] for row in grouped}

    return kept_for_a_while(_name_of(grouped), count)


def count_up_to(rows: QuerySet[Any], limit: int = COUNTED_AT_MOST) -> tuple[int, bool]:
    """How many rows there are, and whether that is all of them: counting stops at the limit."""
    bounded = rows.order_by().values("pk")[: limit + 1]
    found = kept_for_a_while(_name_of(bounded), bounded.count)
    return min(found, limit), found <= limit


def words_of_count(found: int, is_exact: bool, one: str, many: str) -> str:
    """12,345 queries; 1 query; more than 10,000 queries."""
    return f"{found:,} {one if found == 1 else many}" if is_exact else f"more than {found:,} {many}"


def _name_of(rows: QuerySet[Any]) -> str:
    sql, parameters = rows.query.sql_with_params()
    return hashlib.sha256(f"{sql} {parameters!r}".encode()).hexdigest()
