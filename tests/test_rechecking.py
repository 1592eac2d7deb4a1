"""Stored results against a second run of the same code."""

import dataclasses

import pytest

import sandbox
from dialogues.executions import execution_turn
from dialogues.models import Turn
from runs.models import Execution
from tests.making import a_dialogue
from tests.running import run_command

pytestmark = [pytest.mark.django_db, pytest.mark.needs("bubblewrap")]


def an_execution(code, stdout):
    return Execution.objects.create(
        key=str(Execution.objects.count()),
        code=code,
        language="python",
        limits=dataclasses.asdict(sandbox.Limits()),
        runtime=sandbox.runtime("python"),
        backend="bubblewrap",
        status="ok",
        phase="run",
        stdout=stdout,
        exit_code=0,
        wall_s=0.1,
        cpu_s=0.1,
        peak_rss_bytes=1,
    )


def reported_in_a_dialogue(execution, text=None):
    dialogue = a_dialogue()
    report = text or execution_turn(execution)
    Turn.objects.filter(dialogue=dialogue, position=1).update(execution=execution)
    Turn.objects.filter(dialogue=dialogue, position=2).update(kind="execution", content=report, execution=execution)
    return dialogue


def test_results_that_hold_are_counted_and_nothing_is_listed():
    reported_in_a_dialogue(an_execution("print(6 * 7)", "42\n"))
    an_execution("print('in no dialogue')", "something else\n")
    checked = run_command("check_executions")
    assert checked.exit_code == 0
    assert checked.result == {"checked": 1, "changed": 0, "executions": [], "dialogues": []}


def test_a_result_that_does_not_come_again_is_listed_with_its_dialogue():
    execution = an_execution("print(6 * 7)", "41\n")
    dialogue = reported_in_a_dialogue(execution)
    checked = run_command("check_executions")
    assert checked.exit_code == 3
    assert checked.result["executions"] == [execution.pk] and checked.result["dialogues"] == [dialogue.pk]
    assert "-41" in checked.said and "+42" in checked.said


def test_a_turn_that_does_not_read_as_its_run_is_listed():
    dialogue = reported_in_a_dialogue(an_execution("print(6 * 7)", "42\n"), text="Execution result: \n43")
    assert run_command("check_executions").result["dialogues"] == [dialogue.pk]


def test_a_sample_runs_only_so_many():
    for number in range(4):
        reported_in_a_dialogue(an_execution(f"print({number})", f"{number}\n"))
    assert run_command("check_executions", "--sample", 2).result["checked"] == 2


def test_with_no_runs_there_is_nothing_to_do():
    checked = run_command("check_executions")
    assert checked.exit_code == 0 and checked.result["checked"] == 0
