"""Claims about importing benchmarks: tasks whole, once, with bad records named."""

import json

import pytest

from accounts.actions import undo
from accounts.models import Action
from curation.models import Benchmark, BenchmarkTask
from tests.running import run_command

pytestmark = pytest.mark.django_db

HUMANEVAL = {
    "task_id": "Demo/0",
    "prompt": "def double(n):\n",
    "canonical_solution": "    return 2 * n\n",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n",
    "entry_point": "double",
}
MBPP = {
    "task_id": 11,
    "text": "Write a function to halve a number.",
    "code": "import math\r\ndef helper(n):\r\n    return n\r\ndef halve(n):\r\n    return helper(n) / 2",
    "test_setup_code": "limit = 5",
    "test_list": ["assert halve(4) == 2", "assert halve(2) == 1"],
    "challenge_test_list": [],
}


@pytest.fixture
def take(tmp_path):
    def run(*records, name="demo", raw=""):
        path = tmp_path / "tasks.jsonl"
        path.write_text("\n".join(json.dumps(one) for one in records) + raw)
        return run_command("import_benchmark", path, "--name", name)

    return run


def counts(ran):
    return [ran.result[name] for name in ("read", "accepted", "duplicates", "rejected")]


def test_a_humaneval_task_keeps_its_solution_whole(take):
    assert counts(take(HUMANEVAL)) == [1, 1, 0, 0]

    task = BenchmarkTask.objects.get()
    assert (task.external_id, task.entry_point, task.prompt) == ("Demo/0", "double", "def double(n):\n")
    assert task.solution == "def double(n):\n    return 2 * n\n"
    assert "assert candidate(2) == 4" in task.tests


@pytest.mark.parametrize("split", ["whole", "test"])
def test_an_mbpp_task_is_read_in_both_published_forms(take, split):
    record = (
        MBPP
        if split == "whole"
        else {"prompt": MBPP["text"], "test": MBPP["test_list"], "code": MBPP["code"], "task_id": 11}
    )

    assert counts(take(record)) == [1, 1, 0, 0]

    task = BenchmarkTask.objects.get()
    assert (task.external_id, task.entry_point, task.prompt) == ("MBPP/11", "halve", MBPP["text"])
    assert task.tests.endswith("assert halve(4) == 2\nassert halve(2) == 1")
    assert "\r" not in task.solution


def test_importing_a_benchmark_again_changes_nothing(take):
    take(HUMANEVAL)

    assert counts(take(HUMANEVAL, HUMANEVAL | {"task_id": "Demo/1"})) == [2, 1, 1, 0]
    assert Benchmark.objects.get().tasks.count() == 2


def test_a_withdrawn_benchmark_is_not_imported_again_in_vain(take):
    take(HUMANEVAL)
    withdrawn = run_command("withdraw_benchmark", "demo")

    ran = take(HUMANEVAL)

    assert ran.exit_code == 2
    assert "benchmark 'demo' is withdrawn" in ran.said
    undo(Action.objects.get(pk=withdrawn.result["action"]), by=None)
    assert counts(take(HUMANEVAL)) == [1, 0, 1, 0]


def test_a_benchmark_shares_its_name_with_no_source_of_queries(take, tmp_path):
    queries = tmp_path / "queries.jsonl"
    queries.write_text(json.dumps({"instruction": "Q", "output": "A"}))
    run_command("import_queries", queries, "--source", "pool")
    take(HUMANEVAL)

    refused = take(HUMANEVAL, name="pool")
    also_refused = run_command("import_queries", queries, "--source", "demo")

    assert (refused.exit_code, also_refused.exit_code) == (2, 2)
    assert "benchmark 'pool' holds queries and takes no benchmark tasks; choose another name" in refused.said
    assert "source 'demo' holds benchmark tasks and takes no queries; choose another name" in also_refused.said
    assert Benchmark.objects.get().name == "demo"


def test_a_task_with_another_text_under_the_same_id_is_rejected(take):
    take(HUMANEVAL)

    ran = take(HUMANEVAL | {"prompt": "def triple(n):\n"})

    assert counts(ran) == [1, 0, 0, 1]
    assert "demo holds task Demo/0 with another text" in ran.said


def test_bad_records_are_rejected_and_the_rest_goes_in(take):
    ran = take(HUMANEVAL, HUMANEVAL | {"task_id": None}, MBPP, 5, raw="\n{bad")

    assert counts(ran) == [5, 1, 0, 4]
    assert "line 2: field 'task_id' is missing" in ran.said
    assert "line 3: field 'prompt' is missing" in ran.said


@pytest.mark.parametrize(
    ("records", "name", "message"),
    [
        ([{"instruction": "Q", "output": "A"}], "demo", "this file holds queries; use import_queries"),
        ([{"messages": []}], "demo", "this file holds dialogues; use import_dialogues"),
        ([{"task_id": "1", "prompt": "Q", "test": "A"}], "demo", "no known benchmark"),
        ([{"problem": "Two Sum", "code": "0001-two-sum"}], "demo", "no known benchmark; records hold task_id"),
        ([HUMANEVAL], "de mo", "use letters, digits"),
    ],
)
def test_a_file_that_is_no_benchmark_is_refused(take, records, name, message):
    ran = take(*records, name=name)

    assert ran.exit_code == 2
    assert message in ran.said
    assert not Benchmark.objects.exists()


def test_an_empty_file_is_no_error(take):
    ran = take(raw="\n")

    assert (ran.exit_code, counts(ran)) == (0, [0, 0, 0, 0])


def test_the_import_leaves_an_action(take):
    take(HUMANEVAL)

    assert Action.objects.get().note == "tasks.jsonl into demo"


@pytest.mark.needs("sample_pool")
@pytest.mark.parametrize(
    ("path", "tasks"), [("humaneval/HumanEval.jsonl.gz", 164), ("mbpp/mbpp.jsonl", 974), ("mbpp/mbpp_test.jsonl", 500)]
)
def test_the_published_benchmarks_come_in_whole(pool, path, tasks):
    ran = run_command("import_benchmark", pool / path, "--name", "real")

    assert counts(ran) == [tasks, tasks, 0, 0]
    assert not BenchmarkTask.objects.filter(entry_point="").exists()
