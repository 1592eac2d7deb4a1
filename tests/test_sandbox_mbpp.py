"""Real programs: the reference solutions of MBPP with their own tests."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import Status, run
from tests.sizes import sized

pytestmark = [pytest.mark.needs("bubblewrap"), pytest.mark.needs("sample_pool")]


@pytest.fixture
def tasks(pool):
    lines = (pool / "mbpp" / "mbpp.jsonl").read_text().split("\n")
    return [json.loads(line) for line in lines if line]


def program(task):
    """The set-up makes instances of the solution's own classes, so it stands between solution and tests."""
    return "\n".join([task["code"], task["test_setup_code"], *task["test_list"], *task["challenge_test_list"]])


def failures(tasks):
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, map(program, tasks)))
    return {
        task["task_id"]: (result.status, result.stderr)
        for task, result in zip(tasks, results, strict=True)
        if result.status is not Status.OK
    }


@pytest.mark.soak
def test_every_reference_solution_passes_its_tests(tasks):
    assert len(tasks) == 974
    some = tasks[:: len(tasks) // sized(len(tasks))]
    assert failures(some) == {}


def test_solutions_whose_tests_need_a_set_up_pass_as_well(tasks):
    with_set_up = [task for task in tasks if task["test_setup_code"]]
    assert [task["task_id"] for task in with_set_up] == [367, 927]
    assert failures(with_set_up) == {}


def test_a_solution_that_gives_what_its_test_denies_fails(tasks):
    some = tasks[:: len(tasks) // sized(len(tasks))]
    denied = [f"assert not ({task['test_list'][0].removeprefix('assert')})" for task in some]
    failed = failures([task | {"test_list": [test]} for task, test in zip(some, denied, strict=True)])
    assert len(failed) == len(some)
    assert {stderr.strip().split("\n")[-1] for _, stderr in failed.values()} == {"AssertionError"}
