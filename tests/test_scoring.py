"""Scoring: what is planned, how one reply becomes an outcome, what is stored, and the commands around it."""

import asyncio
import json
import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from curation.models import Judge, Query, Score, ScoreState, Scoring
from curation.scores.scoring import REMINDER, ScoreOutcome, ScorePayload, chosen_queries, plan, save, score_query
from runs.kinds import Answer, Finished
from runs.models import Call, Run, WorkItem
from tests.judged import a_judge, a_score, a_scored_query, two_judges
from tests.making import ScriptedAsk, a_batch, a_query, a_source

PROMPT = [{"role": "user", "content": "Rate <query>sort</query>."}]
SCORE_FIRST = ScorePayload(query_id=1, judge_id=1, messages=PROMPT, order="score_first")
REASON_FIRST = ScorePayload(query_id=1, judge_id=1, messages=PROMPT, order="reason_first")


def outcome_of(payload, ask):
    return asyncio.run(score_query(payload, ask))


def test_a_clear_reply_is_a_score_with_its_explanation():
    ask = ScriptedAsk("4\nIt needs a graph search.")
    outcome = outcome_of(SCORE_FIRST, ask)
    assert outcome == ScoreOutcome(ScoreState.OK, 1, 4, "It needs a graph search.")
    assert ask.asked == [("scorer", PROMPT, 0)]


def test_a_template_that_reasons_first_is_read_at_its_end():
    outcome = outcome_of(REASON_FIRST, ScriptedAsk("There are 2 loops and 3 cases.\n\nScore: 2"))
    assert (outcome.state, outcome.value) == (ScoreState.OK, 2)


def test_an_unreadable_reply_is_answered_with_one_reminder():
    ask = ScriptedAsk("Somewhere between 3 and 4. Both fit.", "3")
    outcome = outcome_of(SCORE_FIRST, ask)
    assert outcome == ScoreOutcome(ScoreState.OK, 2, 3, "Somewhere between 3 and 4. Both fit.")
    role, messages, sample = ask.asked[1]
    assert (role, sample) == ("scorer", 1)
    assert messages[:-2] == PROMPT
    assert messages[-2] == {"role": "assistant", "content": "Somewhere between 3 and 4. Both fit."}
    assert messages[-1] == {"role": "user", "content": REMINDER}


def test_after_the_reminder_of_a_template_that_reasons_first_the_digit_stands_alone():
    assert outcome_of(REASON_FIRST, ScriptedAsk("It is hard to say.", "5")).value == 5


@pytest.mark.parametrize("second", ["3.5", "3 or 4", "", "I would say three", "6"])
def test_what_stays_unreadable_is_a_state_and_never_a_guess(second):
    outcome = outcome_of(SCORE_FIRST, ScriptedAsk("4.5 for its graph search", second))
    assert outcome == ScoreOutcome(ScoreState.UNREADABLE, 1, None, "4.5 for its graph search")


def test_an_empty_reply_is_reminded_without_an_empty_turn():
    ask = ScriptedAsk("", "2")
    assert outcome_of(SCORE_FIRST, ask).value == 2
    assert all(message["content"] for message in ask.asked[1][1])


class RefusingAsk(ScriptedAsk):
    async def __call__(self, role, messages, **options):
        answer = await super().__call__(role, messages)
        return Answer(answer.text, "stop", answer.call_id, refused=True)


def test_a_refusal_is_its_own_state_and_is_not_asked_again():
    ask = RefusingAsk("4, but I cannot help with that.")
    outcome = outcome_of(SCORE_FIRST, ask)
    assert (outcome.state, outcome.value, len(ask.asked)) == (ScoreState.REFUSED, None, 1)


class CutOffAsk(ScriptedAsk):
    async def __call__(self, role, messages, **options):
        answer = await super().__call__(role, messages)
        return Answer(answer.text, "length", answer.call_id)


def test_a_reply_cut_off_where_its_score_should_stand_is_unreadable():
    assert outcome_of(REASON_FIRST, CutOffAsk("There are two loops.\n3", "3")).state == ScoreState.UNREADABLE
    assert outcome_of(SCORE_FIRST, CutOffAsk("4", "4")).state == ScoreState.UNREADABLE
    assert outcome_of(SCORE_FIRST, CutOffAsk("4\nIt needs a gra")).value == 4


def planned(**parameters):
    return [item.key for item in plan(Run(kind="scoring", parameters=parameters))]


@pytest.mark.django_db
def test_each_query_in_play_gets_an_item_for_each_judge_that_has_not_scored_it():
    first, second = two_judges()
    query, scored = a_query(), a_query()
    a_query(duplicate_of=query)
    a_query(contamination="set_aside")
    a_score(scored, first, 3)
    keys = planned(judges=[first.pk, second.pk])
    assert keys == [f"{query.pk}:{first.pk}", f"{query.pk}:{second.pk}", f"{scored.pk}:{second.pk}"]


@pytest.mark.django_db
def test_a_planned_item_carries_all_the_step_needs():
    judge, query = a_judge("challenge-reason-first"), a_query("Explain closures.")
    [item] = plan(Run(kind="scoring", parameters={"judges": [judge.pk]}))
    payload = ScorePayload(**json.loads(json.dumps(item.payload)))
    assert (payload.query_id, payload.judge_id, payload.order) == (query.pk, judge.pk, "reason_first")
    assert "Explain closures." in payload.messages[0]["content"]


@pytest.mark.django_db
def test_a_limit_takes_the_first_queries_scored_or_not_so_that_repeating_does_nothing():
    judge = a_judge()
    queries = [a_query() for _ in range(4)]
    assert planned(judges=[judge.pk], limit=2) == [f"{query.pk}:{judge.pk}" for query in queries[:2]]
    for query in queries[:2]:
        a_score(query, judge, 3)
    assert planned(judges=[judge.pk], limit=2) == []


@pytest.mark.django_db
def test_a_source_filter_leaves_other_sources_out():
    judge, wanted = a_judge(), a_query(batch=a_batch(a_source("wanted")))
    a_query(batch=a_batch(a_source("other")))
    assert planned(judges=[judge.pk], source="wanted") == [f"{wanted.pk}:{judge.pk}"]


@pytest.mark.django_db
def test_a_sample_is_drawn_by_its_seed():
    for _ in range(30):
        a_query()

    def drawn(seed):
        return [pk for block in chosen_queries({"sample": 8, "seed": seed}) for pk in block]

    assert drawn(1) == drawn(1) == sorted(drawn(1))
    assert len(set(drawn(1))) == 8
    assert drawn(1) != drawn(2)
    assert len([pk for block in chosen_queries({"sample": 99, "seed": 1}) for pk in block]) == 30


@pytest.mark.django_db
def test_planning_asks_the_database_by_block_and_not_by_query(django_assert_max_num_queries):
    judge = a_judge()
    for _ in range(40):
        a_query()
    with django_assert_max_num_queries(6):
        assert len(planned(judges=[judge.pk])) == 40


def saved(query, judge, state=ScoreState.OK, value=3, **more):
    item = WorkItem(payload={"query_id": query.pk, "judge_id": judge.pk})
    call = Call.objects.create(
        key=f"{query.pk}{judge.pk}{state}{value}", role="scorer", endpoint="demo", model="small", state="failed"
    )
    save([Finished(item, ScoreOutcome(state, call.pk, value, **more))])
    query.refresh_from_db()


@pytest.mark.django_db
def test_the_facts_of_a_query_stand_once_every_judge_that_counts_has_answered():
    (first, second), query = two_judges(), a_query()
    saved(query, first, value=5)
    assert (query.scoring, query.mean, query.raw_gap) == (Scoring.NONE, None, None)
    saved(query, second, value=2)
    assert (query.scoring, query.mean, query.raw_gap, query.stage) == (Scoring.READABLE, 3.5, 3, "scored")


@pytest.mark.django_db
@pytest.mark.parametrize("state", [ScoreState.UNREADABLE, ScoreState.REFUSED])
def test_a_score_without_a_value_makes_the_query_unreadable_and_is_not_averaged_away(state):
    (first, second), query = two_judges(), a_query()
    saved(query, first, value=5)
    saved(query, second, state, None)
    assert (query.scoring, query.mean, query.raw_gap, query.stage) == (Scoring.UNREADABLE, None, None, "unreadable")


@pytest.mark.django_db
def test_saving_twice_keeps_one_score_the_later_one():
    (judge, _), query = two_judges(), a_query()
    saved(query, judge, value=3)
    saved(query, judge, value=4, explanation="Again.")
    assert list(Score.objects.values_list("value", "explanation")) == [(4, "Again.")]


@pytest.mark.django_db
def test_a_judge_that_does_not_count_changes_nothing_about_the_query():
    first, second = two_judges()
    query = a_scored_query({first: 4, second: 4})
    saved(query, a_judge(counts=False, model="lab"), value=1)
    assert query.scoring == Scoring.NONE


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_write_both_scores_of_a_query_at_once_leave_its_facts_behind():
    query, (first, second) = a_query(), two_judges()
    started = threading.Event()

    def slower():
        with transaction.atomic():
            saved(query, first, value=3)
            started.set()
            time.sleep(0.5)
        connection.close()

    worker = threading.Thread(target=slower)
    worker.start()
    started.wait()
    with transaction.atomic():
        saved(query, second, value=5)
    worker.join()
    query.refresh_from_db()
    assert (query.scoring, query.mean) == (Scoring.READABLE, 4)


def told(*command):
    """The object that a command prints as its last line, and all its lines."""
    out = StringIO()
    call_command(*command, "--json", stdout=out, stderr=StringIO())
    lines = out.getvalue().splitlines()
    return json.loads(lines[-1]), lines


@pytest.mark.django_db(transaction=True)
def test_the_command_scores_every_query_with_both_templates_and_says_it_was_scripted(models_file):
    for _ in range(5):
        a_query()
    quoted, _ = told("score", "--dry-run")
    assert (quoted["items"], quoted["calls"]) == (10, 10)
    assert not Judge.objects.filter(counts=True).exists()
    result, lines = told("score", "--wait")
    assert (result["state"], result["items"], result["done"], result["failed"]) == ("done", 10, 10, 0)
    assert any("scripted demo model" in line for line in lines)
    assert Score.objects.filter(state="ok", call__isnull=False).count() == 10
    assert all(abs(expected - value) < 0.6 for value, expected in Score.objects.values_list("value", "expected"))
    assert not Query.objects.exclude(scoring=Scoring.READABLE).exists()
    assert set(Judge.objects.values_list("template__name", "counts")) == {("complexity", True), ("challenge", True)}


@pytest.mark.django_db(transaction=True)
def test_another_model_does_not_count_until_it_is_said(models_file):
    a_query()
    told("score", "--wait")
    _, lines = told("score", "--wait", "--model", "scorer=demo-critic")
    assert sum("--count-instead changes that" in line for line in lines) == 2
    told("score", "--wait", "--model", "scorer=demo-critic", "--count-instead")
    assert set(Judge.objects.filter(counts=True).values_list("model", flat=True)) == {"demo-critic"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--template", "hardness"], "no template is called 'hardness'"),
        (["--source", "nowhere"], "--source nowhere: no such source"),
        (["--model", "scorer=gpt"], "'gpt' is not among"),
    ],
)
def test_bad_input_is_refused_before_anything_is_planned(models_file, arguments, message):
    a_query()
    with pytest.raises(CommandError, match=message) as refused:
        told("score", *arguments)
    assert refused.value.returncode == 2
    assert not Run.objects.exists()
