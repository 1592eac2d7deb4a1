"""Reading stored replies again: what a better parser finds is written, and nothing is asked."""

import json
import zlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.decisions.deciding import decide
from curation.decisions.rules import Rule
from curation.models import Query, Score
from curation.models.queries import VERDICT
from curation.readings import store_facts
from curation.scores.rereading import reread_scores
from curation.scores.scoring import save
from runs.models import Call
from tests.judged import a_judge, a_scored_query, two_judges
from tests.making import a_query

pytestmark = pytest.mark.django_db


def a_call(text, sample=0, finish_reason="stop", refusal=None, logprobs=None):
    message = {"role": "assistant", "content": text, "refusal": refusal}
    told = None if logprobs is None else {"content": logprobs}
    response = {"choices": [{"message": message, "finish_reason": finish_reason, "logprobs": told}]}
    return Call.objects.create(
        key=f"call {Call.objects.count()}",
        role="scorer",
        endpoint="demo",
        model="demo-scorer",
        sample=sample,
        state="done",
        response=zlib.compress(json.dumps(response).encode()),
    )


def a_stored_score(query, judge, call, value=None, explanation=""):
    state = "unreadable" if value is None else "ok"
    return Score.objects.create(query=query, judge=judge, value=value, state=state, explanation=explanation, call=call)


def reread():
    return reread_scores(by=None, door=Door.COMMAND)


def what_it_says(score):
    return Score.objects.values_list("state", "value", "explanation").get(pk=score.pk)


def test_a_reply_that_an_older_parser_could_not_read_becomes_a_score_and_a_fact():
    first, second = two_judges()
    query = a_query()
    found = a_stored_score(query, first, a_call("Score: **4**\nIt needs a heap."), explanation="Score: **4** …")
    a_stored_score(query, second, a_call("2\nEasy."), 2, "Easy.")
    store_facts([query.pk], [first, second])
    assert Query.objects.get(pk=query.pk).scoring == "unreadable"
    counts = reread()
    assert (counts.read, counts.changed, counts.decided) == (2, 1, 0)
    assert what_it_says(found) == ("ok", 4, "It needs a heap.")
    query.refresh_from_db()
    assert (query.scoring, query.mean, query.raw_gap) == ("readable", 3.0, 2)


def test_a_value_that_was_wrongly_read_is_taken_back_and_the_query_decided_anew():
    first, second = two_judges()
    query = a_query()
    wrong = a_stored_score(query, first, a_call("4.5\nBetween two levels."), 4)
    a_stored_score(query, second, a_call("5\nHard."), 5, "Hard.")
    decide(Rule(), by=None, door=Door.COMMAND, at=timezone.now())
    counts = reread()
    assert (counts.changed, counts.decided) == (1, 1)
    assert what_it_says(wrong) == ("unreadable", None, "4.5\nBetween two levels.")
    assert decide(Rule(), by=None, door=Door.COMMAND, at=timezone.now()).kept == 0
    assert Query.objects.get(pk=query.pk).stage == "unreadable"


def test_the_answer_to_a_reminder_is_read_as_one_and_keeps_the_first_words():
    judge = a_judge("complexity-reason-first")
    score = a_stored_score(a_query(), judge, a_call("3", sample=1), 3, "It is hard to say.")
    assert reread().changed == 0
    assert what_it_says(score) == ("ok", 3, "It is hard to say.")


def test_a_judge_with_a_draw_of_its_own_was_not_reminded():
    judge = a_judge("complexity-reason-first", draw=1)
    score = a_stored_score(a_query(), judge, a_call("Two loops.\nScore: 2", sample=1))
    reread()
    assert what_it_says(score) == ("ok", 2, "Two loops.")


def test_a_refusal_and_a_cut_off_reply_are_seen_in_what_is_stored():
    judge = a_judge("complexity-reason-first")
    refused = a_stored_score(a_query(), judge, a_call(None, refusal="No."), 3)
    cut = a_stored_score(a_query(), judge, a_call("Two loops.\nScore: 2", finish_reason="length"), 2)
    reread()
    assert what_it_says(refused)[:2] == ("refused", None)
    assert what_it_says(cut)[:2] == ("unreadable", None)


def test_the_expected_level_is_read_from_the_stored_probabilities():
    candidates = [{"token": "4", "logprob": -0.6931472}, {"token": "2", "logprob": -0.6931472}]
    call = a_call("4", logprobs=[candidates[0] | {"top_logprobs": candidates}])
    score = a_stored_score(a_query(), a_judge(), call, 4)
    assert reread().changed == 1
    score.refresh_from_db()
    assert (score.value, score.expected) == (4, pytest.approx(3.0))
    assert reread().changed == 0


def test_scores_without_a_stored_reply_stay_as_they_are():
    score = a_stored_score(a_query(), a_judge(), None, 5, "Given by hand.")
    counts = reread()
    assert (counts.read, counts.without_reply, counts.changed) == (0, 1, 0)
    assert what_it_says(score) == ("ok", 5, "Given by hand.")


def test_reading_again_is_one_action_that_can_be_undone(curator):
    judge = a_judge()
    scores = [a_stored_score(a_query(), judge, a_call("Score: 4")) for _ in range(3)]
    reread()
    action = Action.objects.get(verb="read replies again")
    assert action.rows_changed == 3
    undo(action, by=curator)
    assert [what_it_says(score)[:2] for score in scores] == [("unreadable", None)] * 3


def test_the_command_asks_nobody_says_what_it_did_and_needs_to_be_told_what_to_do(settings, tmp_path):
    settings.MODELS_FILE = tmp_path / "none.toml"  # there is no model that could be asked
    a_stored_score(a_query(), a_judge(), a_call("4\nHard."))
    out = StringIO()
    call_command("rescore", "--reparse", "--json", stdout=out, stderr=StringIO())
    assert json.loads(out.getvalue().splitlines()[-1]) == {"read": 1, "changed": 1, "without_reply": 0}
    assert Call.objects.count() == 1
    with pytest.raises(CommandError, match="--reparse") as refused:
        call_command("rescore")
    assert refused.value.returncode == 2


def test_the_facts_of_many_queries_are_written_together_but_not_over_what_a_rule_decided():
    first, second = judges = two_judges()
    queries = [a_scored_query({first: 5, second: value}) for value in (2, None, 4, 4)]
    queries.append(a_scored_query({first: 5}))
    by_rule = {"decision": "drop", "decision_rule": "gap at most 1", "decided_at": timezone.now()}
    Query.objects.filter(pk=queries[2].pk).update(**by_rule)
    Query.objects.filter(pk=queries[3].pk).update(**by_rule | {"decision_rule": VERDICT})
    store_facts([query.pk for query in queries], judges)
    facts = Query.objects.filter(pk__in=[query.pk for query in queries]).order_by("pk")
    assert list(facts.values_list("scoring", "mean", "raw_gap")) == [
        ("readable", 3.5, 3),
        ("unreadable", None, None),
        ("none", None, None),
        ("readable", 4.5, 1),
        ("none", None, None),
    ]


def test_saving_nothing_because_every_lease_was_lost_changes_nothing():
    save([])
    assert not Score.objects.exists()
