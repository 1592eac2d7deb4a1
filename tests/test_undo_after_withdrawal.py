"""Undo of a pass over the pool, after a source that it went through was withdrawn."""

import pytest
from django.utils import timezone

from accounts.actions import CannotUndo, undo
from accounts.models import Action, Door
from curation.contamination.checking import ask_for_check, check_contamination
from curation.decisions.deciding import decide
from curation.decisions.rules import Rule
from curation.duplicates.finding import find_duplicates
from curation.models import ClusterMember, Query
from tests.judged import a_judge, a_scored_query
from tests.making import a_query, a_source
from tests.test_contamination import a_task
from tests.test_tiers import PROMPT
from tests.withdrawals import of, withdrawn

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def query_in(slug, text, **columns):
    return a_query(text, source=a_source(slug), **columns)


def search():
    return find_duplicates(by=None, door=Door.COMMAND, only_form=True).action


def check():
    one = ask_for_check(by=None)
    check_contamination(one, door=Door.COMMAND, embedder=None)
    return one.action


def stand():
    return {query.text: query.duplicate_of_id for query in Query.objects.all()}


def test_a_check_is_undone_for_what_is_left():
    a_task()
    query_in("gone", f"{PROMPT} One.")
    stays = query_in("stays", f"{PROMPT} Two.")
    action = check()
    withdrawn(of("gone"))

    undoing = undo(action, by=None)

    stays.refresh_from_db()
    assert (stays.contamination, undoing.rows_changed) == ("none", 1)
    undo(undoing, by=None)
    stays.refresh_from_db()
    assert stays.contamination == "set_aside"


def test_a_decision_is_undone_for_what_is_left():
    judge = a_judge()
    gone, stays = (a_scored_query({judge: 5}, source=a_source(slug)) for slug in ("gone", "stays"))
    decided = decide(Rule(), by=None, door=Door.COMMAND, at=timezone.now())
    assert {query.stage for query in Query.objects.all()} == {"kept"}
    withdrawn(of("gone"))

    undo(decided.action, by=None)

    left = Query.objects.get()
    assert left.pk == stays.pk != gone.pk
    assert left.stage != "kept"


def test_a_search_whose_clusters_were_not_touched_is_undone():
    first, other = query_in("stays", "Sort a list."), query_in("stays", "sort a list")
    query_in("gone", "Parse a date.")
    action = search()
    withdrawn(of("gone"))

    undo(action, by=None)

    assert stand() == {first.text: None, other.text: None}


@pytest.mark.parametrize("leader", ["gone", "stays"])
def test_a_search_whose_clusters_lost_queries_is_refused_and_changes_nothing(leader):
    follower = "stays" if leader == "gone" else "gone"
    query_in(leader, "Sort a list.")
    query_in(follower, "sort a list")
    query_in("stays", "SORT a list")
    query_in("stays", "Parse a date.")
    query_in("stays", "parse a date")
    action = search()
    withdrawn(of("gone"))
    before = stand(), list(ClusterMember.objects.values_list("pk", "stands"))

    with pytest.raises(CannotUndo, match="a withdrawal cannot be undone"):
        undo(action, by=None)

    assert (stand(), list(ClusterMember.objects.values_list("pk", "stands"))) == before


def test_what_was_undone_is_not_done_again_onto_a_query_that_is_gone():
    query_in("gone", "Sort a list.")
    query_in("stays", "sort a list")
    undoing = undo(search(), by=None)
    withdrawn(of("gone"))

    with pytest.raises(CannotUndo, match="which was withdrawn"):
        undo(undoing, by=None)

    assert stand() == {"sort a list": None}


def test_a_pass_of_which_nothing_is_left_says_so():
    a_task()
    query_in("gone", f"{PROMPT} One.")
    action = check()
    withdrawn(of("gone"))
    actions = Action.objects.count()

    with pytest.raises(CannotUndo, match="nothing is left"):
        undo(action, by=None)

    assert Action.objects.count() == actions
