"""How an execution turn reads."""

import pytest

from dialogues.executions import LIMIT, execution_turn, input_turn
from runs.kinds import Executed

ELLIPSIS = "...(truncated due to length)..."


def ran(status="ok", stdout="", stderr="", exit_code=0):
    return Executed(1, status, stdout, stderr, exit_code, truncated=False, wall_s=0.1)


def body(turn):
    heading, _, rest = turn.partition("\n")
    assert heading == "Execution result: "
    return rest


def test_output_follows_the_heading_on_a_line_of_its_own():
    assert execution_turn(ran(stdout="[1, 4]\n  two\n\n")) == "Execution result: \n[1, 4]\n  two"


def test_standard_output_comes_before_standard_error():
    assert body(execution_turn(ran("error", "before\n", "NameError: x\n", 1))) == "before\nNameError: x"


def test_a_silent_run_asks_for_a_test_call():
    assert "without any output" in body(execution_turn(ran(stdout=" \n")))
    assert "test call" in body(execution_turn(ran()))


def test_code_that_waits_for_input_is_asked_to_assign_the_value():
    assert "input()" in body(input_turn()) and "assign the value" in body(input_turn())


def test_output_at_the_limit_is_whole():
    assert body(execution_turn(ran(stdout="x" * LIMIT))) == "x" * LIMIT


def test_output_over_the_limit_keeps_its_first_and_last_fifth():
    output = "".join(f"{number:05d}" for number in range(300))
    assert body(execution_turn(ran(stdout=output))) == f"{output[:200]}\n{ELLIPSIS}\n{output[-200:]}"


def test_colours_and_titles_are_stripped_before_the_length_is_measured():
    painted = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2Kplain" + "\x1b[1m" * 500
    assert body(execution_turn(ran(stdout=painted))) == "red plain"


@pytest.mark.parametrize(
    ("status", "word"),
    [("timeout", "timed out"), ("out_of_memory", "memory"), ("output_limit", "printed more"), ("signal", "signal")],
)
def test_a_stopped_program_says_so_after_the_beginning_of_its_output(status, word):
    said = body(execution_turn(ran(status, "x" * 5000, "", None)))
    assert said.startswith("x" * 200 + f"\n{ELLIPSIS}\n") and word in said
    assert said.count("x" * 10) == 20
    assert word in body(execution_turn(ran(status, exit_code=None)))


def test_a_failure_that_no_message_tells_names_the_exit_code():
    assert body(execution_turn(ran("error", "done\n", "", 3))) == "done\nThe code ended with exit code 3."
    assert body(execution_turn(ran("error", "", "", 3))) == "The code ended with exit code 3."


def test_the_time_a_run_took_changes_nothing():
    slow = Executed(9, "ok", "1\n", "", 0, truncated=False, wall_s=7.5)
    assert execution_turn(slow) == execution_turn(ran(stdout="1\n"))
