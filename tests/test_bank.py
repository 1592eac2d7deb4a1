"""The demo bank is honest: its wrong answers go wrong, and its right ones run and repeat themselves."""

import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

BANK = Path(__file__).parent.parent / "llm" / "bank"
FIELDS = {
    "slug",
    "level",
    "query",
    "draft",
    "fixed",
    "category",
    "satisfied",
    "not_satisfied",
    "feedback",
    "final",
}
CATEGORIES = {
    "Syntax and Formatting",
    "Efficiency",
    "Functionality Enhancements",
    "Code Clarity and Documentation",
    "Bug Identification",
    "Security Improvements",
    "Compatibility and Testing",
    "Resource Optimization",
    "Scalability",
    "Adherence to Best Practices",
}
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
TIME_OUT_S = 3


def read_bank():
    problems = []
    for path in sorted(BANK.glob("*.toml")):
        with path.open("rb") as file:
            problems += tomllib.load(file)["problem"]
    return problems


PROBLEMS = read_bank()
# One process runs each program once for all tests.
pytestmark = pytest.mark.xdist_group("the bank")
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=[problem["slug"] for problem in PROBLEMS])


def code_of(answer):
    blocks = PYTHON_BLOCK.findall(answer)
    assert len(blocks) == 1, f"want one python block, found {len(blocks)} in {answer[:60]!r}"
    return blocks[0]


def run(code):
    """Exit code (None after the time-out), output and complaint of one trusted bank program."""
    # Without the packages of the environment, which no program of the bank asks for.
    command = [sys.executable, "-I", "-S", "-B", "-"]
    try:
        done = subprocess.run(
            command, input=code, capture_output=True, text=True, timeout=TIME_OUT_S, cwd="/", check=False
        )
    except subprocess.TimeoutExpired:
        return None, "", ""
    return done.returncode, done.stdout, done.stderr


@cache
def outcomes():
    """Each program's first run, by slug and answer; a bank problem is run once for all tests."""
    wanted = [
        (problem["slug"], name, code_of(problem[name])) for problem in PROBLEMS for name in ("draft", "fixed", "final")
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda item: run(item[2]), wanted)
        return {(slug, name): result for (slug, name, _), result in zip(wanted, results, strict=True)}


@each_problem
def test_the_draft_fails_or_prints_something_else_than_the_fix(problem):
    exit_code, output, _ = outcomes()[problem["slug"], "draft"]
    assert exit_code != 0 or output != outcomes()[problem["slug"], "fixed"][1]


@each_problem
@pytest.mark.parametrize("answer", ["fixed", "final"])
def test_a_right_answer_runs_clean_and_prints_the_same_twice(problem, answer):
    exit_code, output, complaint = outcomes()[problem["slug"], answer]
    assert exit_code == 0, complaint
    assert complaint == ""
    assert output.strip()
    assert run(code_of(problem[answer]))[1] == output


@each_problem
def test_each_problem_has_all_fields_and_a_level_on_the_scale(problem):
    assert set(problem) == FIELDS
    assert all(problem[field].strip() for field in FIELDS - {"level"})
    assert problem["level"] in {1, 2, 3, 4, 5}
    assert 200 <= len(problem["query"].strip()) <= 900


@each_problem
def test_feedback_is_at_most_two_short_sentences(problem):
    feedback = problem["feedback"].strip()
    assert len(feedback) <= 200
    assert 1 <= len(SENTENCE_END.findall(feedback)) <= 2


@each_problem
def test_the_final_answer_changes_the_code_of_the_fix(problem):
    assert code_of(problem["final"]) != code_of(problem["fixed"])
    assert code_of(problem["draft"]) != code_of(problem["fixed"])


def test_the_bank_uses_all_ten_categories_and_no_other():
    assert {problem["category"] for problem in PROBLEMS} == CATEGORIES


def test_no_slug_and_no_query_stands_in_the_bank_twice():
    assert len({problem["slug"] for problem in PROBLEMS}) == len(PROBLEMS)
    assert len({" ".join(problem["query"].split()) for problem in PROBLEMS}) == len(PROBLEMS)


def test_drafts_go_wrong_in_every_way_a_reader_should_meet():
    drafts = [outcomes()[problem["slug"], "draft"] for problem in PROBLEMS]
    raised = [complaint.strip().splitlines()[-1].partition(":")[0] for code, _, complaint in drafts if code]
    assert {"NameError", "TypeError", "IndexError", "KeyError", "AttributeError", "RecursionError"} <= set(raised)
    assert {"ZeroDivisionError", "SyntaxError"} <= set(raised)
    assert sum(code is None for code, _, _ in drafts) == 1, "one loops for ever"
    assert sum(code == 0 and not output for code, output, _ in drafts) >= 3, "some print nothing"
    assert any(code == 0 and len(output) > 1000 for code, output, _ in drafts), "one prints too much"
    assert any("input(" in code_of(problem["draft"]) for problem in PROBLEMS), "one asks for input"
