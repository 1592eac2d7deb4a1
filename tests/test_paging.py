"""Keyset paging: every row once, in order, forwards and backwards, at the same cost on every page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.models import Query
from dialogues.models import Dialogue, Turn
from tests.making import a_dialogue, a_query, many_queries
from web.paging import Order, Searched, page_of

pytestmark = pytest.mark.django_db


def walk(order, size=3, rows=None):
    """The keys of all pages, going forwards."""
    pages, asked = [], {}
    while True:
        page = page_of(Query.objects.all() if rows is None else rows, asked, order=order, size=size)
        pages.append([row.pk for row in page.rows])
        if not page.after:
            return pages
        asked = {"after": page.after}


def test_the_pages_hold_every_row_once_newest_first():
    keys = [a_query().pk for _ in range(7)]
    assert walk(Order()) == [keys[:3:-1], keys[3:0:-1], keys[:1]]


def test_the_first_page_has_none_before_it_and_the_last_none_after():
    keys = [a_query().pk for _ in range(6)]
    first = page_of(Query.objects.all(), {}, size=3)
    last = page_of(Query.objects.all(), {"after": first.after}, size=3)
    assert (first.before, bool(first.after)) == ("", True)
    assert (bool(last.before), last.after) == (True, "")
    assert [row.pk for row in last.rows] == keys[2::-1]


def test_going_back_shows_the_same_rows_in_the_same_order():
    for _ in range(8):
        a_query()
    first = page_of(Query.objects.all(), {}, size=3)
    second = page_of(Query.objects.all(), {"after": first.after}, size=3)
    back = page_of(Query.objects.all(), {"before": second.before}, size=3)
    assert back.rows == first.rows
    assert back.before == ""
    assert back.after == first.after


def test_rows_that_tie_in_the_column_are_parted_by_the_key():
    wide = [a_query(linked_gap=3.0).pk for _ in range(4)]
    narrow = [a_query(linked_gap=1.0).pk for _ in range(3)]
    pages = walk(Order("dispute_size", key_descending=False), size=2)
    assert [key for page in pages for key in page] == wide + narrow


def test_a_column_order_goes_back_as_well():
    for gap in (1.0, 2.0, 2.0, 2.0, 3.0):
        a_query(linked_gap=gap)
    order = Order("dispute_size", key_descending=False)
    first = page_of(Query.objects.all(), {}, order=order, size=2)
    second = page_of(Query.objects.all(), {"after": first.after}, order=order, size=2)
    assert page_of(Query.objects.all(), {"before": second.before}, order=order, size=2).rows == first.rows


def test_an_order_is_walked_back_through_its_ties():
    gaps = (3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0)
    keys = [a_query(linked_gap=gap).pk for gap in gaps]
    order, asked, walked = Order("dispute_size", key_descending=False), {"before": f"0.0~{keys[-1] + 1}"}, []
    while asked:
        page = page_of(Query.objects.all(), asked, order=order, size=3)
        walked = [row.pk for row in page.rows] + walked
        asked = {"before": page.before} if page.before else None
    assert walked == keys


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the size of the table")
def test_a_page_among_many_ties_reads_no_more_than_the_first():
    ties = [query.pk for query in many_queries([{"disputed": True, "linked_gap": 2.0}] * 3_000)]
    order, rows = Order("dispute_size", key_descending=False), Query.objects.filter(disputed=True)

    def steps(asked):
        # Each of SQLite's steps that is a hundredth calls once.
        calls = []
        connection.connection.set_progress_handler(lambda: calls.append(1), 100)
        page_of(rows, asked, order=order)
        connection.connection.set_progress_handler(None, 0)
        return len(calls)

    assert steps({"after": f"2.0~{ties[-100]}"}) < 2 * steps({})


@pytest.mark.parametrize("cursor", ["x", "1~", "~", "1.5~x", "9" * 40 + "x", "'; DROP TABLE", "nan~nan"])
def test_a_cursor_that_cannot_be_read_gives_the_first_page(cursor):
    a_query()
    for name in ("after", "before"):
        assert len(page_of(Query.objects.all(), {name: cursor}).rows) == 1


def test_rows_that_were_added_meanwhile_do_not_shift_the_next_page():
    old = [a_query().pk for _ in range(4)]
    first = page_of(Query.objects.all(), {}, size=2)
    a_query()
    assert [row.pk for row in page_of(Query.objects.all(), {"after": first.after}, size=2).rows] == old[1::-1]


def test_a_page_reads_two_statements_whatever_its_place():
    for _ in range(9):
        a_query()
    asked = {}
    for _ in range(4):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            page = page_of(Query.objects.all(), asked, size=2)
        assert len(caught) == 2
        assert "OFFSET" not in " ".join(query["sql"] for query in caught.captured_queries)
        asked = {"after": page.after}


def test_an_empty_list_is_one_empty_page():
    assert page_of(Query.objects.none(), {}).rows == []


def searched(search, size=3, **filters):
    """The keys of all pages of a search, going forwards."""
    pages, asked = [], {}
    while True:
        page = page_of(Query.objects.filter(**filters), asked, search=search, size=size)
        pages.append([row.pk for row in page.rows])
        if not page.after:
            return pages
        asked = {"after": page.after}


def test_a_search_is_paged_through_to_its_last_match():
    matches = [a_query(f"sort list {number}").pk for number in range(7)]
    a_query("nothing of it")
    assert searched("sort") == [matches[:3:-1], matches[3:0:-1], matches[:1]]


@pytest.fixture(params=["few", "some", "many"])
def matches(request, monkeypatch):
    """The ways of a search: all matches at once, joined in the order of the list, and block by block through it."""
    if request.param == "some":
        monkeypatch.setattr("web.search.LOOKED_UP", -1)
    if request.param == "many":
        monkeypatch.setattr("web.paging.FEW", 0)
        monkeypatch.setattr("web.search.DENSE", 8)
        monkeypatch.setattr("web.paging.FIRST_BLOCK", 2)


@pytest.mark.usefixtures("matches")
def test_a_search_finds_rare_rows_behind_many_blocks_of_matches():
    rare = [a_query(f"sort list {number}", language="go" if number % 9 == 0 else "python") for number in range(30)]
    wanted = [query.pk for query in rare if query.language == "go"][::-1]
    assert [key for page in searched("sort", language="go") for key in page] == wanted


@pytest.mark.usefixtures("matches")
def test_a_search_finds_matches_that_stand_far_apart():
    apart = [a_query(f"sort list {number}" if number % 40 == 0 else f"nothing {number}") for number in range(90)]
    wanted = [query.pk for number, query in enumerate(apart) if number % 40 == 0][::-1]
    assert searched("sort", size=2) == [wanted[:2], wanted[2:]]


@pytest.mark.usefixtures("matches")
def test_a_search_in_what_a_row_owns_finds_each_owner_once():
    dialogues = [a_dialogue("Sort a list.", "Sorted list.") for _ in range(4)]
    a_dialogue("Nothing.", "Of it.")
    table, asked, keys = Searched(Turn, "dialogue"), {}, []
    while asked is not None:
        page = page_of(Dialogue.objects.all(), asked, search="list", searched=table, size=3)
        keys += [row.pk for row in page.rows]
        asked = {"after": page.after} if page.after else None
    assert keys == [dialogue.pk for dialogue in dialogues[::-1]]


@pytest.mark.usefixtures("matches")
def test_a_search_goes_back_to_the_same_rows():
    for number in range(8):
        a_query(f"sort list {number}")
    first = page_of(Query.objects.all(), {}, search="sort", size=3)
    second = page_of(Query.objects.all(), {"after": first.after}, search="sort", size=3)
    back = page_of(Query.objects.all(), {"before": second.before}, search="sort", size=3)
    assert (back.rows, back.before) == (first.rows, "")


def test_a_search_without_words_is_no_search():
    query = a_query()
    assert page_of(Query.objects.all(), {}, search="?!").rows == [query]


@pytest.mark.usefixtures("matches")
def test_a_search_keeps_the_order_that_was_asked_for():
    wide, narrow = a_query("sort a", linked_gap=3.0), a_query("sort b", linked_gap=1.0)
    assert page_of(Query.objects.all(), {}, search="sort", order=Order("dispute_size")).rows == [wide, narrow]
