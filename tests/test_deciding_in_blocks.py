"""A decision of many blocks, which PostgreSQL takes several at a time."""

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.decisions import deciding
from curation.decisions.deciding import decide
from curation.decisions.rules import Rule
from curation.models import Decision, Query
from tests.judged import many_scored_queries, two_judges

pytestmark = pytest.mark.django_db(transaction=True)
BLOCK, BLOCKS = 4, 12


@pytest.fixture
def pool(monkeypatch):
    """Twelve blocks of queries, every other query of which both judges rate high."""
    monkeypatch.setitem(deciding.BLOCK, connection.vendor, BLOCK)
    first, second = two_judges()
    scores = ({first: 5, second: 4}, {first: 2, second: 1})
    many_scored_queries([scores[number % 2] for number in range(BLOCK * BLOCKS)])


def decided(**more):
    return decide(Rule(), by=None, door=Door.COMMAND, at=timezone.now(), **more)


def test_every_block_is_decided_once_under_one_action_that_undo_takes_back(pool):
    shown = []

    def watch(blocks, total):
        for block in blocks:
            shown.append(block)
            yield block

    result = decided(watch=watch)
    assert (result.kept, result.dropped, len(shown)) == (24, 24, BLOCKS)
    rows = sorted(result.action.rows.values_list("row_id", flat=True))
    assert rows == sorted(Query.objects.values_list("pk", flat=True))
    assert result.changed == result.action.rows_changed == len(rows)
    undo(result.action, by=None, door=Door.COMMAND)
    assert set(Query.objects.values_list("decision", flat=True)) == {Decision.NONE}


def test_what_goes_wrong_in_a_block_ends_the_decision_and_what_was_written_can_be_undone(pool, monkeypatch):
    bring_up_to_date, turn = deciding.bring_up_to_date, iter(range(BLOCKS))

    def breaks_in_the_fifth(block, basis):
        if next(turn) == 4:
            raise ZeroDivisionError
        return bring_up_to_date(block, basis)

    monkeypatch.setattr(deciding, "bring_up_to_date", breaks_in_the_fifth)
    with pytest.raises(ZeroDivisionError):
        decided()
    action = Action.objects.get(verb="decide")
    done = Query.objects.exclude(decision=Decision.NONE).count()
    assert 4 * BLOCK <= done == action.rows_changed < (BLOCKS - 1) * BLOCK
    undo(action, by=None, door=Door.COMMAND)
    assert not Query.objects.exclude(decision=Decision.NONE).exists()
