"""Claims about importing problems: their tests, solutions and languages."""

import json

import pytest

from curation.intake.problems import import_problems
from curation.models import ImportBatch, Problem, Query, RejectedRecord, Solution
from tests.running import run_command

pytestmark = pytest.mark.django_db

JAVASCRIPT = "export const leap = (year) => year % 4 === 0;\n"
TACO = {
    "question": "Is it a leap year?",
    "solutions": json.dumps(["def leap(year):\n    return year % 4 == 0\n", JAVASCRIPT]),
    "starter_code": "def leap(year):",
    "input_output": json.dumps({"inputs": ["2000"], "outputs": ["True"], "fn_name": "leap"}),
    "difficulty": "EASY",
    "raw_tags": "['Calendar', 'Arithmetic']",
    "tags": "['Mathematics']",
    "name": "Leap",
    "url": "https://example.org/leap",
}
LEETCODE = {
    "task_id": "two-sum",
    "prompt": "from typing import *\n",
    "completion": "class Solution:\n    def twoSum(self, nums): ...\n",
    "entry_point": "Solution().twoSum",
    "test": "def check(candidate):\n    assert candidate([1]) == 1\n",
    "query": "Find two numbers.",
    "response": "Use a dict.",
    "input_output": [],
    "meta": {"difficulty": "Medium"},
}
EXERCISM = {
    "slug": "leap",
    "title": "Leap",
    "statement": "Is it a leap year?",
    "tracks": {
        "python": {"difficulty": 1, "topics": ["bools"], "solution": "def leap(): ...", "test_file": "assert leap()"},
        "javascript": {"difficulty": 2, "topics": ["bools", "dates"], "solution": JAVASCRIPT, "test_file": None},
    },
}


@pytest.fixture
def take(tmp_path):
    def run(*records, source="problems"):
        path = tmp_path / "problems.jsonl"
        path.write_text("\n".join(json.dumps(one) for one in records))
        return import_problems(path, source=source, by=None)

    return run


def counts(batch):
    return batch.read, batch.accepted, batch.duplicates, batch.rejected


def solutions():
    return list(Solution.objects.order_by("pk").values_list("language", flat=True))


def test_a_taco_problem_keeps_its_tags_tests_and_solutions(take):
    batch = take(TACO)

    assert (counts(batch), batch.layout, batch.holds) == ((1, 1, 0, 0), "taco", "problems")
    problem = Problem.objects.get()
    assert (problem.title, problem.difficulty, problem.external_id) == ("Leap", "easy", "https://example.org/leap")
    assert problem.tags == ["Calendar", "Arithmetic"]
    assert problem.tests == {
        "kind": "input_output",
        "inputs": ["2000"],
        "outputs": ["True"],
        "function": "leap",
        "starter_code": "def leap(year):",
    }
    assert solutions() == ["python", ""]


def test_a_leetcode_problem_keeps_the_check_that_verifies_it(take):
    assert counts(take(LEETCODE)) == (1, 1, 0, 0)

    problem = Problem.objects.get()
    assert (problem.title, problem.difficulty, problem.text) == ("Two Sum", "medium", "Find two numbers.")
    assert problem.tests["kind"] == "check"
    assert problem.tests["entry_point"] == "Solution().twoSum"
    assert solutions() == ["python"]


def test_an_exercism_problem_has_a_solution_for_each_track(take):
    assert counts(take(EXERCISM)) == (1, 1, 0, 0)

    problem = Problem.objects.get()
    assert (problem.tags, problem.difficulty) == (["bools", "dates"], "1")
    assert problem.tests == {"kind": "files", "files": {"python": "assert leap()"}}
    assert solutions() == ["python", "javascript"]


def test_tests_in_languages_that_are_not_known_stand_under_the_names_of_their_tracks(take):
    tracks = {name: {"solution": name, "test_file": f"test {name}"} for name in ("zig", "gleam")}
    take({**EXERCISM, "tracks": tracks})

    assert Problem.objects.get().tests["files"] == {"zig": "test zig", "gleam": "test gleam"}


def test_the_same_problem_again_brings_new_solutions_and_names_their_language(take):
    take(TACO)

    assert counts(take(EXERCISM)) == (1, 0, 1, 0)
    assert Problem.objects.count() == 1
    assert solutions() == ["python", "javascript", "python"]
    assert counts(take(EXERCISM, EXERCISM)) == (2, 0, 2, 0)
    assert Solution.objects.count() == 3


def test_the_same_problem_in_another_source_is_a_problem_of_its_own(take):
    take(TACO, source="one")

    assert counts(take(TACO, source="two")) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (TACO | {"solutions": "[not json"}, "field 'solutions' is not JSON"),
        (TACO | {"solutions": "{}"}, "field 'solutions' is an object, not a JSON list"),
        (TACO | {"solutions": "[5]"}, "field 'solutions' is a number, not text"),
        (TACO | {"input_output": "[]"}, "field 'input_output' is a list, not a JSON dict"),
        (TACO | {"raw_tags": "__import__('os')"}, "field 'raw_tags' is not a list in Python's notation"),
        (TACO | {"raw_tags": "[1]"}, "field 'raw_tags' is a list, not a list of texts"),
        (TACO | {"question": ""}, "field 'question' is blank"),
        (7, "not a JSON object"),
    ],
)
def test_a_bad_problem_is_rejected_with_line_and_reason(take, record, reason):
    assert counts(take(TACO, record)) == (2, 1, 0, 1)
    assert RejectedRecord.objects.get().line == 2
    assert reason in RejectedRecord.objects.get().reason


def test_a_problem_without_tests_or_tags_comes_in(take):
    take(TACO | {"input_output": "", "raw_tags": None, "tags": ""})

    assert (Problem.objects.get().tests, Problem.objects.get().tags) == ({}, [])


def test_nul_never_reaches_the_tests(take):
    take(TACO | {"input_output": json.dumps({"inputs": ["a\x00"], "outputs": ["b\ud800"]})})

    assert Problem.objects.get().tests["inputs"] == ["a\ufffd"]
    assert Problem.objects.get().tests["outputs"] == ["b\ufffd"]


def test_each_command_names_the_right_one_for_a_file_of_problems(tmp_path):
    problems, queries = tmp_path / "problems.jsonl", tmp_path / "queries.jsonl"
    problems.write_text(json.dumps(LEETCODE))
    queries.write_text(json.dumps({"instruction": "Q", "output": "A"}))

    wrong = run_command("import_queries", problems, "--source", "x")
    other = run_command("import_problems", queries, "--source", "x")
    right = run_command("import_problems", problems, "--source", "x")

    assert (wrong.exit_code, other.exit_code, right.exit_code) == (2, 2, 0)
    assert "this file holds problems; use import_problems" in wrong.said
    assert "this file holds queries; use import_queries" in other.said
    assert right.result["accepted"] == 1
    assert not Query.objects.exists()
    assert ImportBatch.objects.count() == 1


MULTI = {
    "slug": "two-sum",
    "title": "Two Sum",
    "difficulty": "Easy",
    "time": "_O(n)_",
    "topics": ["Hash Table"],
    "solutions": [
        {"lang": "cpp", "code": "// Time:  O(n), see below\n// Space: O(1)\nint f();\n"},
        {"lang": "python", "code": "def two_sum(): ...\n"},
    ],
}


def test_solutions_in_many_languages_stand_under_the_title_of_their_problem(take):
    batch = take(MULTI)

    assert (counts(batch), batch.layout) == ((1, 1, 0, 0), "leetcode_multi")
    problem = Problem.objects.get()
    assert (problem.external_id, problem.text, problem.tags) == ("two-sum", "Two Sum", ["Hash Table"])
    assert list(Solution.objects.values_list("language", "complexity")) == [("cpp", "O(n)"), ("python", "")]


def test_they_join_the_problem_whose_statement_the_source_holds(take):
    take(LEETCODE)

    assert counts(take(MULTI)) == (1, 0, 1, 0)
    assert Problem.objects.get().text == "Find two numbers."
    assert solutions() == ["python", "cpp", "python"]
    assert counts(take(MULTI, source="other")) == (1, 1, 0, 0)


@pytest.mark.needs("sample_pool")
@pytest.mark.parametrize(
    ("path", "layout", "problems"),
    [
        ("reshaped/dev/taco_schema.exercism.jsonl", "taco", 109),
        ("leetcode_dataset/dev/LeetCodeDataset-v0.3.1-test.jsonl.gz", "leetcode_dataset", 152),
        ("exercism/dev/problems.jsonl", "exercism", 109),
        ("leetcode_multi/dev/solutions.jsonl", "leetcode_multi", 345),
    ],
)
def test_the_published_problem_sets_come_in_whole(pool, path, layout, problems):
    batch = import_problems(pool / path, source="real", by=None)

    assert (batch.layout, counts(batch)) == (layout, (problems, problems, 0, 0))
    assert not Problem.objects.filter(solutions=None).exists()
