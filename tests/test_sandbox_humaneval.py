"""Real programs: the reference solutions of HumanEval with their own tests."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import Status, run

pytestmark = [pytest.mark.needs("bubblewrap"), pytest.mark.needs("sample_pool")]


@pytest.fixture
def tasks(pool):
    lines = (pool / "humaneval" / "HumanEval.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def outcomes(programs):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, programs))


def program(task, body):
    return f"{task['prompt']}{body}\n{task['test']}\ncheck({task['entry_point']})\n"


def test_every_reference_solution_passes_its_tests(tasks):
    results = outcomes(program(task, task["canonical_solution"]) for task in tasks)
    failed = {task["task_id"]: result.stderr for task, result in zip(tasks, results, strict=True) if result.exit_code}
    assert failed == {}
    assert [result.status for result in results] == [Status.OK] * 164


def test_no_task_passes_without_a_solution(tasks):
    results = outcomes(program(task, "    pass\n") for task in tasks)
    assert [task["task_id"] for task, result in zip(tasks, results, strict=True) if result.status is Status.OK] == []
    assert all(result.status is Status.ERROR for result in results)
