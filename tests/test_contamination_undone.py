"""Claims about what was found once: undone, cleared, withdrawn, and what the next check makes of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action
from curation.contamination import suspects
from curation.contamination.checking import unread_queries
from curation.contamination.overlaps import words_of
from curation.models import Benchmark, Contamination, ContaminationHit, Query
from tests.making import a_query
from tests.running import run_command
from tests.test_contamination import a_cleared, a_hit, a_task, check
from tests.test_tiers import PROMPT

pytestmark = pytest.mark.django_db

OTHER = "Count how many of the seventeen lanterns in the long hall burn brighter than the one at the door does."


def fact(query):
    return Query.objects.get(pk=query.pk).contamination


def test_a_query_put_back_by_an_undo_is_read_again_even_when_later_checks_found_it_set_aside():
    a_task(name="old")
    query, _ = a_query(PROMPT), a_query("Sort a list of numbers.")
    first = check()
    a_task(OTHER, name="new")
    assert check().found["set_aside"] == 0

    undo(first.action, by=None)

    assert fact(query) == "none"
    assert (unread_queries(), check().found["checked"], fact(query)) == (1, 1, "set_aside")
    assert (unread_queries(), check().found["checked"]) == (0, 0)


def test_hits_of_a_query_that_is_set_aside_are_found_too_and_count_when_it_is_free_again(reviewer):
    old = a_task("Draw a tree.", name="old")
    held = {"claimed_by": reviewer, "claimed_until": timezone.now() + timedelta(minutes=5)}
    query = a_query(PROMPT, contamination="suspect", **held)
    a_hit(query, old)
    suspects.judge_suspect(query.pk, Contamination.SET_ASIDE, version=query.version, by=reviewer)
    new = a_task(name="new")

    assert check().action is None

    assert query.contamination_hits.get(task=new).proves
    suspects.take_back(query.pk, by=reviewer)
    assert check().found["set_aside"] == 1
    assert fact(query) == "set_aside"


def test_a_cleared_query_is_set_aside_for_a_task_that_came_later(reviewer):
    task = a_task("Draw a tree.", name="old")
    cleared = a_cleared(f"{PROMPT} And more.", task, reviewer)
    near = a_cleared("Given a list of ages of the cats in a shelter, return the mean.", task, reviewer)
    without_action = a_query(f"{PROMPT} And less.", contamination="cleared")
    new = a_task(name="new")

    one = check()

    assert (fact(cleared), fact(near), fact(without_action)) == ("set_aside", "cleared", "set_aside")
    assert cleared.contamination_hits.filter(task=new, proves=True).exists()
    undo(one.action, by=None)
    assert fact(cleared) == "cleared"
    check()
    assert fact(cleared) == "set_aside"


def test_a_known_hit_takes_the_stronger_match_and_keeps_it():
    hit = a_hit(a_query(PROMPT), a_task(), tier="exact", score=0.2)

    check()

    hit.refresh_from_db()
    assert (hit.score, hit.proves, hit.matched_text) == (1, True, " ".join(words_of(PROMPT)))
    ContaminationHit.objects.update(score=2)
    check(again=True)
    hit.refresh_from_db()
    assert hit.score == 2


def test_what_only_a_withdrawn_benchmark_had_proved_is_a_suspect_while_another_task_is_near():
    a_task(name="old")
    query = a_query(PROMPT)
    check()
    a_hit(query, a_task(OTHER, name="new"))

    ran = run_command("withdraw_benchmark", "old")

    assert (ran.result["freed"], ran.result["suspects"], fact(query)) == (0, 1, "suspect")
    undo(Action.objects.get(pk=ran.result["action"]), by=None)
    assert fact(query) == "set_aside"


def test_withdrawing_a_benchmark_frees_what_it_alone_held_and_undo_brings_it_back():
    a_task(name="old")
    a_task(OTHER, name="new")
    alone, both, cleared = a_query(PROMPT), a_query(f"{PROMPT} {OTHER}"), a_query(PROMPT + " Now.")
    check()
    Query.objects.filter(pk=cleared.pk).update(contamination="cleared")

    ran = run_command("withdraw_benchmark", "old")

    assert (ran.exit_code, ran.result["freed"]) == (0, 1)
    facts = dict(Query.objects.values_list("pk", "contamination"))
    assert facts == {alone.pk: "none", both.pk: "set_aside", cleared.pk: "cleared"}
    assert ContaminationHit.objects.filter(query=alone).exists()
    assert check().found["set_aside"] == 0
    undo(Action.objects.get(pk=ran.result["action"]), by=None)
    assert Query.objects.get(pk=alone.pk).contamination == "set_aside"
    assert not Benchmark.objects.filter(withdrawn=True).exists()
    assert run_command("withdraw_benchmark", "no").exit_code == 2
