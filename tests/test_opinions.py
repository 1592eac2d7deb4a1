"""A model's opinion on suspects: strictly read, stored with its call, and moved to the front; the demo model's rule."""

import asyncio

import pytest

from curation.contamination.opinions import ROLE, OpinionOutcome, plan, save, step
from curation.models import Benchmark, BenchmarkTask, ContaminationHit, Query
from llm.demo_comparing import compare
from runs.kinds import Finished
from runs.models import Call, Run, WorkItem
from tests.making import ScriptedAsk, a_query


def opinion_of(reply):
    return asyncio.run(step({"messages": [{"role": "user", "content": "?"}]}, ScriptedAsk(reply), None))


@pytest.mark.parametrize(
    ("reply", "opinion"),
    [
        ("SAME\nBoth add.", "same"),
        ("**Other**\nOne adds.", "other"),
        ("same.", "same"),
        ("SAME or OTHER", "unclear"),
        ("They are the same task.", "unclear"),
        ("", "unclear"),
    ],
)
def test_only_a_first_line_of_one_word_is_an_opinion(reply, opinion):
    assert opinion_of(reply).opinion == opinion


def test_the_reason_is_kept_and_so_is_a_reply_that_cannot_be_read():
    assert opinion_of("SAME\n\nBoth add.").reason == "Both add."
    assert opinion_of("Well, hard to say.").reason == "Well, hard to say."


def a_suspect(text, task, score):
    query = a_query(text, contamination="suspect", suspicion=score)
    return ContaminationHit.objects.create(query=query, task=task, tier="neighbour", score=score, matched_text=text)


@pytest.mark.django_db
def test_suspects_without_an_opinion_are_asked_about_and_the_same_task_comes_first():
    benchmark = Benchmark.objects.create(name="bench", sha256="0")
    task = BenchmarkTask.objects.create(benchmark=benchmark, external_id="1", prompt="Add two numbers.")
    low, high = a_suspect("Sum up two values.", task, 0.4), a_suspect("Join two words.", task, 0.8)
    run = Run(kind="contamination_opinions", parameters={})
    items = [*plan(run)]
    assert [item.payload["hit_id"] for item in items] == [high.pk, low.pk]
    assert "<task_a>\nJoin two words.\n</task_a>" in items[0].payload["messages"][0]["content"]
    assert len([*plan(Run(kind=run.kind, parameters={"limit": 1}))]) == 1
    call = Call.objects.create(key="1", role=ROLE, endpoint="demo", model="demo-critic", state="done", response=b"x")
    outcomes = [OpinionOutcome("other", "words", call.pk), OpinionOutcome("same", "sums", call.pk)]

    for _ in range(2):  # what is written twice is written once
        save([Finished(WorkItem(payload=item.payload), said) for item, said in zip(items, outcomes, strict=True)])

    assert [query.pk for query in Query.objects.suspects()] == [low.query_id, high.query_id]
    low.refresh_from_db()
    assert (low.opinion, low.opinion_reason, low.opinion_call, low.query.suspicion) == ("same", "sums", call, 1.4)
    assert [*plan(run)] == []


def ask_demo(first, second):
    prompt = f"?\n<task_a>\n{first}\n</task_a>\n\n<task_b>\n{second}\n</task_b>"
    return compare([{"role": "user", "content": prompt}])


def test_the_demo_model_compares_by_words_and_opposites():
    task = "Write a function to find the largest prime factor of an integer."
    assert ask_demo("Which prime factors does an integer have? Give the largest one.", task).startswith("SAME\n")
    assert ask_demo("Give the smallest prime factor of an integer.", task).startswith("OTHER\nlarg …")
    assert ask_demo("Reverse the lines of a file.", task).startswith("OTHER\n")
