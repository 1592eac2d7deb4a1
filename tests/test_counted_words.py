"""Figures as people read them: one thing is named in the singular, and nothing is below zero by a hair."""

import pytest

from dialogues.withdrawing import in_words
from web.counts import counted
from web.templatetags.pages import decimals


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 queries"), (1, "1 query"), (2, "2 queries"), (12345, "12,345 queries")]
)
def test_one_is_named_in_the_singular(count, words):
    assert counted(count, "query", "queries") == words


def test_a_withdrawal_names_each_count_so():
    assert in_words({"queries": 1, "scores": 2}) == "1 query that nothing else holds, 2 scores"


@pytest.mark.parametrize(("value", "words"), [(-0.0004, "0.000"), (-0.00051, "-0.001"), (0.0004, "0.000")])
def test_what_rounds_to_nothing_has_no_sign(value, words):
    assert decimals(value, 3) == words
