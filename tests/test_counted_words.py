"""Figures as people read them: one thing is named in the singular, and nothing is below zero by a hair."""

import pytest

from dialogues.withdrawing import in_words
from tests.making import a_query
from tests.page_text import words
from web.counts import counted
from web.templatetags.pages import decimals


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 queries"), (1, "1 query"), (2, "2 queries"), (12345, "12,345 queries")]
)
def test_one_is_named_in_the_singular(count, said):
    assert counted(count, "query", "queries") == said


def test_a_withdrawal_names_each_count_so():
    assert in_words({"queries": 1, "scores": 2}) == "1 query that nothing else holds, 2 scores"


@pytest.mark.parametrize(("value", "said"), [(-0.0004, "0.000"), (-0.00051, "-0.001"), (0.0004, "0.000")])
def test_what_rounds_to_nothing_has_no_sign(value, said):
    assert decimals(value, 3) == said


@pytest.mark.django_db
def test_one_near_duplicate_is_one_on_the_start_page_and_in_the_funnel(reviewer_client):
    first = a_query("Sort a list.")
    a_query("Please sort a list!", duplicate_of=first)
    assert "1 near-duplicate" in words(reviewer_client.get("/"))
    assert "1 near-duplicate " in words(reviewer_client.get("/funnel/"))
    for address in ("/", "/funnel/"):
        assert "1 near-duplicates" not in words(reviewer_client.get(address))
