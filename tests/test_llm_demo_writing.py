"""Claims about the demo model as drafter, refiner, critic and saboteur: what it writes really runs, or really fails."""

import contextlib
import io
import json

import pytest

from llm.demo_bank import CATEGORIES, Bank, load_bank, python_code
from llm.demo_edits import EDITS, FAULTS, broken, edited
from llm.demo_feedback import WISHES, category_of, criticise
from llm.demo_programs import PROGRAMS, program_in
from llm.demo_refining import interpret, refine
from llm.demo_writing import draft, explain, fenced, sabotage
from llm.replies import last_code

EMPTY = Bank({})
REQUESTS = ("Sort 3 numbers, 'quickly'; then \"print\" them.\n```\ncode\n```", "排序 算法", "x", "")
TRACEBACK = 'Execution result: \nTraceback (most recent call last):\n  File "<stdin>", line 3\nNameError: name "x"'
CLEAN = "Execution result: \n3\n"

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def printed(code):
    """What our own program prints; its error goes through."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})
    return output.getvalue()


@each_program
@pytest.mark.parametrize("request_text", REQUESTS)
def test_each_program_runs_on_any_request_and_its_fault_fails_on_any(program, request_text):
    assert printed(program.code(request_text)).strip()
    assert "input(" not in program.code(request_text)
    if request_text:
        with pytest.raises((NameError, TypeError, ZeroDivisionError, IndexError, KeyError)):
            printed(program.faulty_code(request_text))


@each_program
def test_each_program_is_known_again_after_any_edit_and_its_example_holds(program):
    code = program.code(REQUESTS[0])
    namespace = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, namespace)
    assert namespace[program.name](program.example[0]) == eval(program.example[1])
    for category in CATEGORIES:
        code, _ = edited(code, program, category)
        assert program_in(code)[0] is program


@each_program
@pytest.mark.parametrize("category", CATEGORIES)
def test_an_edit_changes_a_program_that_still_runs(program, category):
    before = program.code(REQUESTS[0])
    after, said = edited(before, program, category)
    assert after != before
    assert said == EDITS[category].said
    assert printed(after).strip()


@each_program
def test_edits_add_up(program):
    code = program.code(REQUESTS[0])
    for category in [*CATEGORIES, "Efficiency"]:
        changed, _ = edited(code, program, category)
        assert changed != code
        assert printed(changed).startswith(printed(code)[:1])
        code = changed


@each_program
@pytest.mark.parametrize(
    ("fault", "error"), [("Syntax Error", SyntaxError), ("Type Error", TypeError), ("Name Error", NameError)]
)
def test_a_fault_asked_for_is_the_fault_that_comes(program, fault, error):
    with pytest.raises(error):
        printed(broken(program.code(REQUESTS[0]), program, fault))


@each_program
def test_a_logical_fault_runs_and_prints_something_else(program):
    code = program.code(REQUESTS[0])
    assert printed(broken(code, program, "Logical Error")) != printed(code)


def test_a_tenth_of_the_drafts_fails_and_the_refiner_repairs_each():
    failed = 0
    for number in range(300):
        query = f"Request number {number}: sort the words."
        answer = draft([user(query)], EMPTY)
        try:
            printed(last_code(answer).code)
        except (NameError, TypeError, ZeroDivisionError, IndexError, KeyError) as error:
            failed += 1
            turn = f"Execution result: \nTraceback (most recent call last):\n{type(error).__name__}: {error}"
            fixed = refine([user(query), assistant(answer), user(turn)], EMPTY)
            assert type(error).__name__ in fixed
            assert printed(last_code(fixed).code).strip()
    assert 15 <= failed <= 50


def test_a_program_that_was_stopped_counts_as_failed_although_no_traceback_shows():
    query, mine = "Sort the words.", fenced("Mine:", "while True: pass\n", "Done.")
    for stop in ("did not finish within the time limit and was stopped.", "The code ended with exit code 3."):
        answer = refine([user(query), assistant(mine), user(f"Execution result: \n{stop}")], EMPTY)
        assert "while True" not in answer
        assert printed(last_code(answer).code)


def test_after_a_clean_run_the_code_stays_to_the_byte():
    messages = [user("Sort the words."), assistant(draft([user("Sort the words.")], EMPTY)), user(CLEAN)]
    assert last_code(refine(messages, EMPTY)) == last_code(messages[1]["content"])
    odd = "import os\n\n\n\nprint('```')\n```\n"
    messages[1] = assistant(fenced("Mine:", odd, "Done."))
    assert last_code(refine(messages, EMPTY)).code == odd


def test_feedback_changes_the_program_in_its_category():
    for wish in WISHES:
        answer = draft([user("Sort the words.")], EMPTY)
        better = refine([user("Sort the words."), assistant(answer), user(wish["feedback"])], EMPTY)
        assert category_of(wish["feedback"]) == wish["category"]
        assert EDITS[wish["category"]].said in better
        assert last_code(better) != last_code(answer)


def test_feedback_in_own_words_and_on_unknown_code_is_met_too():
    answer = fenced("Mine:", "print(40 + 2)\n", "Done.")
    noted = refine([user("Add."), assistant(answer), user("Could you explain\nmore?")], EMPTY)
    assert last_code(noted).code == "# Wanted: Could you explain more?\nprint(40 + 2)\n"
    better = refine([user("Add."), assistant(draft([user("Add.")], EMPTY)), user("Could you explain more?")], EMPTY)
    assert printed(last_code(better).code)


def test_the_bank_is_walked_from_wrong_to_right_to_final():
    bank = load_bank()
    for problem in bank.problems.values():
        messages = [user(f"{problem.query}\n")]
        for turn, expected in ((CLEAN, problem.draft), (CLEAN, problem.fixed), (problem.feedback, None)):
            answer = refine(messages, bank) if len(messages) > 1 else draft(messages, bank)
            if expected is not None:
                assert answer == expected
            messages += [assistant(answer), user(turn)]
        assert python_code(messages[-2]["content"]) == python_code(problem.fixed)
        final = refine(messages, bank)
        assert final == problem.final
        again = refine([*messages, assistant(final), user(TRACEBACK)], bank)
        assert python_code(again) == python_code(problem.final)


def critic_prompt(*turns, categories=CATEGORIES):
    conversation = "\n\n".join(
        f"{'User' if place % 2 == 0 else 'Assistant'}:\n{turn}" for place, turn in enumerate(turns)
    )
    names = "\n".join(categories)
    return [user(f"You are the user.\n{names}\n<conversation>\n{conversation}\n</conversation>\nAnswer in JSON.")]


def test_the_critic_says_what_the_bank_says_once():
    bank = load_bank()
    for problem in bank.problems.values():
        turns = [problem.query, problem.fixed]
        reply = json.loads(criticise(critic_prompt(*turns), bank))
        assert reply == {
            name: getattr(problem, name) for name in ("satisfied", "not_satisfied", "feedback", "category")
        }
        turns += [problem.feedback, problem.final]
        assert json.loads(criticise(critic_prompt(*turns), bank))["feedback"] != problem.feedback


def test_the_critic_uses_all_categories_and_keeps_to_one_that_is_asked_for():
    replies = [json.loads(criticise(critic_prompt(f"Query {n}.", "Code."), EMPTY)) for n in range(300)]
    assert {reply["category"] for reply in replies} == set(CATEGORIES)
    assert len({reply["feedback"] for reply in replies}) > 20
    asked = criticise(critic_prompt("Query 1.", "Code.", categories=["Scalability"]), EMPTY)
    assert json.loads(asked)["category"] == "Scalability"


def test_the_saboteur_keeps_to_the_fault_it_is_told_and_the_refiner_finds_it():
    for fault in FAULTS:
        answer = sabotage([user(f"Write code with a {fault}.\n<query>Sort the words.</query>")], EMPTY)
        wrong = last_code(answer).code
        right = draft([user("Sort the words.")], EMPTY)
        turn = CLEAN if fault == "Logical Error" else TRACEBACK
        assert wrong != last_code(right).code
        assert last_code(refine([user("Sort the words."), assistant(answer), user(turn)], EMPTY)) == last_code(right)
    problem = next(iter(load_bank().problems.values()))
    assert sabotage([user(f"<query>{problem.query}</query>")], load_bank()) == problem.draft


def test_the_explainer_writes_words_and_no_code():
    said = explain([user("Write a sentence before this.\n```rust\nfn main() {}\n```")], EMPTY)
    assert "Rust" in said
    assert last_code(said) is None


def test_the_interpreter_drafts_and_then_goes_on():
    first = interpret([user("Sort the words.")], EMPTY)
    assert first == draft([user("Sort the words.")], EMPTY)
    assert last_code(interpret([user("Sort the words."), assistant(first), user(CLEAN)], EMPTY)) == last_code(first)
