"""A decision of many blocks, which PostgreSQL takes several at a time."""

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.decisions import deciding
from curation.decisions.deciding import decide
from curation.decisions.rules import Rule
from curation.decisions.ruling import ask_for_decision
from curation.models import Decision, Query, RulePass
from tests.judged import many_scored_queries, two_judges
from tests.page_text import words
from tests.running import run_command

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


def test_a_decision_by_command_is_listed_with_the_others_and_one_that_broke_is_undone_on_its_page(
    pool, curator_client, monkeypatch
):
    assert run_command("decide").exit_code == 0
    decided_all = RulePass.objects.get()
    assert (decided_all.state, decided_all.found["changed"]) == ("done", BLOCK * BLOCKS)
    assert "command line" in words(curator_client.get("/scores/what-if/"))

    def breaks(blocks, work):
        work(next(blocks))
        raise ZeroDivisionError("the machine went down")

    monkeypatch.setattr(deciding, "each_block", breaks)
    with pytest.raises(ZeroDivisionError):
        run_command("decide", "--threshold", "5")
    broken = RulePass.objects.get(threshold=5)
    page = curator_client.get(broken.get_absolute_url())
    assert "Not decided to its end: the machine went down" in words(page)
    curator_client.post(reverse("accounts:undo", args=[broken.action_id]))
    assert "This decision was undone" in words(curator_client.get(broken.get_absolute_url()))
    assert Query.objects.filter(decision=Decision.KEEP).count() == BLOCK * BLOCKS // 2


def test_a_decision_by_command_waits_for_the_one_that_goes_on(pool):
    ask_for_decision(Rule(), by=None)
    ran = run_command("decide", "--json")
    assert (ran.exit_code, "one is at work already" in ran.said) == (3, True)
    assert set(Query.objects.values_list("decision", flat=True)) == {Decision.NONE}
