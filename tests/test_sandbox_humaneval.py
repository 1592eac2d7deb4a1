"""Real programs: the reference solutions of HumanEval with their own tests."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import Status, run
from tests.sizes import SOAK

pytestmark = [pytest.mark.needs("bubblewrap"), pytest.mark.needs("sample_pool")]


@pytest.fixture
def tasks(pool):
    lines = (pool / "humaneval" / "HumanEval.jsonl").read_text().splitlines()
    assert len(lines) == 164
    return [json.loads(line) for line in lines]


@pytest.fixture
def pairs(tasks):
    """Each task and the next; what must fail everywhere is shown on every fourth of them, on all at full size."""
    return list(zip(tasks, [*tasks[1:], tasks[0]], strict=True))[:: 1 if SOAK else 4]


def outcomes(programs):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, programs))


def program(task, solution):
    return f"{solution}\n{task['test']}\ncheck({task['entry_point']})\n"


def with_body(task, body):
    """The task's signature and description with this body."""
    return program(task, f"{task['prompt']}{body}")


def with_solution_of(other, task):
    """Another task's whole solution under this task's name; what else this task's prompt defines stays for its test."""
    mine, theirs = (f"{one['prompt']}{one['canonical_solution']}\n" for one in (task, other))
    return program(task, f"{mine}{theirs}{task['entry_point']} = {other['entry_point']}")


def passed(tasks, results):
    assert len(tasks) == len(results)
    assert not [result.stderr for result in results if result.status is Status.SANDBOX_ERROR]
    return [task["task_id"] for task, result in zip(tasks, results, strict=True) if result.status is Status.OK]


def test_every_reference_solution_passes_its_tests(tasks):
    results = outcomes(with_body(task, task["canonical_solution"]) for task in tasks)
    failed = {task["task_id"]: result.stderr for task, result in zip(tasks, results, strict=True) if result.exit_code}
    assert failed == {}
    assert len(passed(tasks, results)) == 164


@pytest.mark.soak
def test_no_task_passes_without_a_solution(pairs):
    results = outcomes(with_body(task, "    pass\n") for task, _ in pairs)
    assert passed([task for task, _ in pairs], results) == []
    assert {result.status for result in results} == {Status.ERROR}


@pytest.mark.soak
def test_no_task_passes_with_the_body_of_the_next(pairs):
    results = outcomes(with_body(task, other["canonical_solution"]) for task, other in pairs)
    assert passed([task for task, _ in pairs], results) == []


@pytest.mark.soak
def test_no_task_passes_with_the_whole_solution_of_the_next_under_its_name(pairs):
    results = outcomes(with_solution_of(other, task) for task, other in pairs)
    assert passed([task for task, _ in pairs], results) == []
    # It is the task's own test that fails, and not a name that is missing.
    assert not [result.stderr for result in results if "NameError" in result.stderr]
