"""What the planner of SQLite knows of tables that grow."""

import pytest
from django.db import connection

from curation.models import Query
from tests.making import a_query
from web.planning import renew_statistics

pytestmark = pytest.mark.django_db
INDEX = "query_list_by_stage"


@pytest.mark.once
def test_a_table_is_looked_at_once_it_is_large_and_again_when_it_has_grown(monkeypatch):
    monkeypatch.setattr("web.planning.LARGE", 2)
    a_query("withdrawn since: a high key is no sign of many queries", pk=1000)
    Query.objects.all().delete()
    for number in range(3):
        a_query(f"query {number}")
    assert INDEX in renew_statistics()
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT stat FROM sqlite_stat1 WHERE idx = %s", [INDEX]).fetchall() == [("3 3 1",)]
        a_query("one more")
        assert INDEX not in renew_statistics()
        cursor.execute("DELETE FROM sqlite_stat1 WHERE idx = %s", [INDEX])  # as if a migration had made it
        assert INDEX in renew_statistics(new_too=True)
    assert INDEX not in renew_statistics(new_too=True)
    for number in range(20):
        a_query(f"further query {number}")
    assert INDEX in renew_statistics()


def test_tables_that_are_small_are_left_alone():
    a_query()
    assert renew_statistics(new_too=True) == []
