"""The execution tier: an answer under the task's name against the task's tests."""

import asyncio

import pytest

from accounts.actions import undo
from accounts.models import Action
from curation.contamination.solving import KIND, plan, programs_for, save, step
from curation.models import Benchmark, BenchmarkTask, ContaminationHit, Query
from runs.kinds import Finished
from runs.models import Run, WorkItem
from tests.making import ScriptedExecute, a_query

ASSERTS = "assert add(1, 2) == 3\nassert add(2, 2) == 4"
ANSWER = "Here:\n\n```python\ndef double(x):\n    return x + x\n\ndef plus(a, b):\n    return double(a) + b - a\n```\n"


def a_task(tests=ASSERTS, solution="def add(x, y):\n    return x + y\n"):
    benchmark, _ = Benchmark.objects.get_or_create(name="bench", defaults={"sha256": "0"})
    columns = {"prompt": "Add.", "solution": solution, "tests": tests, "entry_point": "add"}
    return BenchmarkTask(benchmark=benchmark, external_id=str(benchmark.tasks.count()), **columns)


@pytest.mark.django_db
def test_the_main_function_is_tried_under_the_tasks_name_when_it_takes_as_many_arguments():
    [(name, program)] = programs_for(ANSWER, a_task(), reached="end")
    assert name == "plus"
    scope = {}
    exec(program, scope)  # our own lines
    assert scope["add"] is scope["plus"]
    two_parts = ANSWER.replace("double(a) + b - a", "a + b")
    assert programs_for(two_parts, a_task(), reached="end") == []
    assert programs_for("No code at all.", a_task(), reached="end") == []
    [(_, with_check)] = programs_for(
        ANSWER, a_task("def check(candidate):\n    assert candidate(1, 1) == 2"), reached="e"
    )
    assert "\ncheck(add)\n" in with_check


@pytest.mark.parametrize(
    ("status", "stdout", "passes"), [("ok", "3\n\nend\n", True), ("ok", "3\n", False), ("error", "\nend\n", False)]
)
def test_only_a_program_that_reaches_the_end_of_the_tests_passes(status, stdout, passes):
    payload = {"reached": "end", "programs": [["plus", "…"]]}
    outcome = asyncio.run(step(payload, None, ScriptedExecute((status, stdout, ""))))
    assert bool(outcome) is passes


@pytest.mark.django_db
def test_a_suspect_whose_answer_passes_is_set_aside_with_the_evidence_and_undo_restores_it():
    task = a_task()
    task.save()
    solved = a_query("Plus.", response=ANSWER, contamination="suspect", suspicion=0.5)
    other = a_query("Minus.", response=ANSWER, contamination="suspect", suspicion=0.5)
    for query in (solved, other):
        ContaminationHit.objects.create(query=query, task=task, tier="neighbour", score=0.5, matched_text="x")
    items = [*plan(Run(kind=KIND.name, parameters={}))]
    assert [item.payload["query_id"] for item in items] == [solved.pk, other.pk]

    save([Finished(WorkItem(payload=items[0].payload), "plus"), Finished(WorkItem(payload=items[1].payload), "")])

    assert dict(Query.objects.values_list("pk", "contamination")) == {solved.pk: "set_aside", other.pk: "suspect"}
    hit = ContaminationHit.objects.get(tier="execution")
    assert (hit.query, hit.task, hit.score) == (solved, task, 1.0)
    assert "def plus" in hit.matched_text
    undo(Action.objects.get(), by=None)
    solved.refresh_from_db()
    assert (solved.contamination, solved.version) == ("suspect", 3)
