"""Undo of many rows: all or nothing, and rows that changed alike by one statement."""

import pytest

from accounts.actions import CannotUndo, Change, record, undo
from accounts.models import Action, ActionRow
from curation.models import Query
from tests.making import a_query

pytestmark = pytest.mark.django_db


def set_mean(query, mean):
    """A change as a verb makes it."""
    before = Query.objects.get(pk=query.pk).mean
    Query.objects.filter(pk=query.pk).update(mean=mean)
    return Change(query, before={"mean": before}, after={"mean": mean})


def means():
    return list(Query.objects.order_by("pk").values_list("mean", flat=True))


def test_many_rows_that_changed_alike_cost_no_more_statements_than_few(django_assert_max_num_queries):
    action = record("set", [set_mean(a_query(), float(number % 3)) for number in range(60)], by=None)
    with django_assert_max_num_queries(24):
        undoing = undo(action, by=None)
    assert means() == [None] * 60
    assert undoing.rows_changed == ActionRow.objects.filter(action=undoing).count() == 60
    assert set(Query.objects.values_list("version", flat=True)) == {2}
    undo(undoing, by=None)
    assert means() == [float(number % 3) for number in range(60)]


def test_a_row_that_changed_since_keeps_all_others_as_they_are():
    queries = [a_query() for _ in range(5)]
    action = record("set", [set_mean(query, 4.0) for query in queries], by=None)
    Query.objects.filter(pk=queries[2].pk).update(mean=1.0)
    with pytest.raises(CannotUndo, match=f"curation.query {queries[2].pk} has changed since"):
        undo(action, by=None)
    assert means() == [4.0, 4.0, 1.0, 4.0, 4.0]


def test_very_many_rows_are_put_back_in_blocks(monkeypatch):
    monkeypatch.setattr("accounts.actions.BLOCK", 4)
    queries = [a_query() for _ in range(10)]
    action = record("set", [set_mean(query, float(number)) for number, query in enumerate(queries)], by=None)
    undoing = undo(action, by=None)
    assert (means(), undoing.rows_changed) == ([None] * 10, 10)
    undo(undoing, by=None)
    assert means() == [float(number) for number in range(10)]
    action.refresh_from_db()
    with pytest.raises(CannotUndo, match="was undone already"):
        undo(action, by=None)


def test_of_very_many_rows_one_that_changed_keeps_all_others_too(monkeypatch):
    monkeypatch.setattr("accounts.actions.BLOCK", 4)
    queries = [a_query() for _ in range(10)]
    action = record("set", [set_mean(query, 4.0) for query in queries], by=None)
    Query.objects.filter(pk=queries[0].pk).update(mean=1.0)  # of the block that comes last
    with pytest.raises(CannotUndo, match=f"curation.query {queries[0].pk} has changed since"):
        undo(action, by=None)
    assert means() == [1.0] + [4.0] * 9
    assert Action.objects.get().undone_by is None
