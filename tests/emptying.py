"""Empties the tables after a test that commits: only those with rows, a fifth of what Django's flush of all costs."""

from functools import cache

from django.db import connection, transaction

from curation.models.counts import KEPT_COUNTS

# What migrations have put there and no test takes away.
KEPT = {"django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}


def empty_tables() -> None:
    """Delete the rows of every table but those kept; references are looked at when all are gone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_which_have_rows())
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


@cache
def _which_have_rows() -> str:
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    kept_counts = {model._meta.db_table for model in KEPT_COUNTS}
    # Counts that the database keeps come last: whatever goes before is taken from them.
    tables = [*sorted(tables - kept_counts), *sorted(kept_counts)]
    quoted = [(table, connection.ops.quote_name(table)) for table in tables]
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {table})" for name, table in quoted)
