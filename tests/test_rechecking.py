"""Stored results against a second run of the same code."""

import dataclasses

import pytest

import sandbox
from dialogues.executions import execution_turn
from dialogues.models import Turn
from runs.executing import execution_key, remember
from runs.models import Execution
from tests.making import a_dialogue
from tests.running import run_command

pytestmark = [pytest.mark.django_db, pytest.mark.needs("bubblewrap")]
TOTAL = "\nprint('total', 6 * 7)\n"
THREADS = """\
import os, threading, time
def work(number):
    time.sleep(os.urandom(1)[0] / 8000)
    print(number)
crew = [threading.Thread(target=work, args=[number]) for number in range(9)]
for one in crew:
    one.start()
for one in crew:
    one.join()
"""
# Real programs, and why what they show is another thing each time. The language is python where none is named.
BY_NATURE = {
    "memory address": "class Point: pass\nprint(Point(), [Point() for _ in range(3)])",
    "memory address of id": "print('object', id(object()), hex(id([])))",
    "date or time": "import datetime, time\nprint(datetime.datetime.now(), time.time(), time.ctime())",
    "duration": "import time\nstart = time.perf_counter()\ntime.sleep(0.01)\n"
    "print('took', time.perf_counter() - start, 'seconds')",
    "order of a set": "print({*'one two three four five six seven eight nine ten'.split()})",
    "order of a set told line by line": "for letter in {*'abcdefghijkl'}:\n    print('-', letter)",
    "hash value": "print('hashed', hash('a word'))",
    "random draw": "import random\nprint(random.random(), random.sample(range(1000), 5))",
    "random draw of a password": "import secrets\nprint('password:', secrets.token_urlsafe(12))",
    "random draw of a uuid": "import uuid\nprint(uuid.uuid4())",
    "temporary path": "import tempfile\nprint('in', tempfile.mkdtemp())",
    "order of threads": THREADS,
    "order of a map": "my %h = map { $_ => 1 } 'a' .. 'l';\nprint join(' ', keys %h), qq(\\n);\n",
    "random draw in JavaScript": "console.log(Math.random());\n",
}
LANGUAGES = {"order of a map": "perl", "random draw in JavaScript": "javascript"}
TOTALS = {"perl": 'print "total ", 6 * 7, "\\n";\n', "javascript": "console.log('total', 6 * 7);\n", "python": TOTAL}
FIXED = {
    "a seeded draw": "import random\nrandom.seed(3)\nprint(random.random())",
    "a set of numbers": "print({3, 1, 2})",
    "a sorted set": "print(sorted({'one', 'two', 'three'}))",
    "a given date": "import datetime\nprint(datetime.date(2020, 1, 1), datetime.date.today().year > 2020)",
    "a hash of a number": "print(hash(11), id(None) > 0)",
}


def an_execution(code, stdout, language="python", **columns):
    given = {"status": "ok", "exit_code": 0, "stdin": "", **columns}
    return Execution.objects.create(
        key=str(Execution.objects.count()),
        code=code,
        language=language,
        limits=dataclasses.asdict(sandbox.Limits()),
        runtime=sandbox.runtime(language),
        backend="bubblewrap",
        phase="run",
        stdout=stdout,
        wall_s=0.1,
        cpu_s=0.1,
        peak_rss_bytes=1,
        **given,
    )


def a_stored_run(code, language="python"):
    limits = sandbox.Limits()
    result = sandbox.run(code, language)
    assert result.status == "ok", result.stderr
    return remember(execution_key(code, language, limits=limits), code, language, limits=limits, result=result)


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
    assert checked.result == {
        "checked": 1,
        "changed": 0,
        "executions": [],
        "dialogues": [],
        "by_nature": [],
        "natures": {},
        "not_run": [],
    }


def test_a_result_that_does_not_come_again_is_listed_with_its_dialogue():
    execution = an_execution("print(6 * 7)", "41\n")
    dialogue = reported_in_a_dialogue(execution)
    checked = run_command("check_executions")
    assert checked.exit_code == 3
    assert checked.result["executions"] == [execution.pk] and checked.result["dialogues"] == [dialogue.pk]
    assert "-41" in checked.said and "+42" in checked.said


def test_a_result_of_another_version_of_the_language_says_so():
    reported_in_a_dialogue(an_execution("print(6 * 7)", "41\n"))
    Execution.objects.update(runtime="python 2.7.18")
    assert f"(python 2.7.18 then, {sandbox.runtime('python')} now)" in run_command("check_executions").said


def test_a_program_is_run_again_under_its_own_limits():
    code, limits = "x = bytearray(100 * 2**20)\nprint('held')", sandbox.Limits(memory_mb=64)
    result = sandbox.run(code, limits=limits)
    assert result.status == "out_of_memory"
    key = execution_key(code, "python", limits=limits)
    reported_in_a_dialogue(remember(key, code, "python", limits=limits, result=result))
    assert run_command("check_executions").result["changed"] == 0


def test_what_a_program_printed_gives_the_terminal_no_commands():
    reported_in_a_dialogue(an_execution("print('\\x9b2J\\x07é')", "other\n"))
    said = run_command("check_executions").said
    assert "+\\x9b2J\\x07é" in said and "\x9b" not in said and "\a" not in said


def test_a_turn_that_does_not_read_as_its_run_is_listed():
    dialogue = reported_in_a_dialogue(an_execution("print(6 * 7)", "42\n"), text="Execution result: \n43")
    assert run_command("check_executions").result["dialogues"] == [dialogue.pk]


def test_a_turn_that_reads_otherwise_is_a_real_change_whatever_the_program_draws():
    execution = a_stored_run("import time\nprint(time.time())")
    dialogue = reported_in_a_dialogue(execution, text="Execution result: \n1700000000.25")
    assert run_command("check_executions").result["dialogues"] == [dialogue.pk]


@pytest.mark.parametrize("name", BY_NATURE)
def test_what_changes_by_nature_is_named_and_counted_apart(name):
    language = LANGUAGES.get(name, "python")
    if not sandbox.runtime(language):
        pytest.skip(f"no {language} here")
    execution = a_stored_run(BY_NATURE[name] + TOTALS[language], language)
    dialogue = reported_in_a_dialogue(execution)
    checked = run_command("check_executions")
    assert (checked.exit_code, checked.result["changed"], checked.result["dialogues"]) == (0, 0, [])
    (natural,) = checked.result["by_nature"]
    assert natural["execution"] == execution.pk
    assert [nature for nature in natural["natures"] if name.startswith(nature)] == natural["natures"]
    assert f"execution {execution.pk} in dialogue {dialogue.pk} changes by nature: " in checked.said


@pytest.mark.parametrize("name", ["memory address", "date or time", "duration", "order of a set", "random draw"])
def test_a_real_change_beside_a_natural_one_is_listed_as_one(name):
    execution = a_stored_run(BY_NATURE[name] + TOTAL)
    Execution.objects.update(stdout=execution.stdout.replace("total 42", "total 41"))
    checked = run_command("check_executions", "--all")
    assert (checked.result["executions"], checked.result["by_nature"]) == ([execution.pk], [])
    assert "-total 41" in checked.said and "+total 42" in checked.said


@pytest.mark.parametrize("name", FIXED)
def test_a_program_that_could_vary_and_does_not_has_no_natural_change(name):
    execution = a_stored_run(FIXED[name])
    assert run_command("check_executions", "--all").result["by_nature"] == []
    shown = execution.stdout.replace("1", "8").replace("0", "9").replace("one", "owe")
    Execution.objects.update(stdout=shown)
    checked = run_command("check_executions", "--all")
    assert (checked.result["executions"], checked.result["by_nature"]) == ([execution.pk], [])


def test_the_time_that_tests_took_is_their_nature():
    code = "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\nunittest.main(exit=False)"
    execution = a_stored_run(code)
    assert "Ran 1 test in 0.0" in execution.stderr
    Execution.objects.update(stderr=execution.stderr.replace(" in 0.0", " in 7.0"))
    assert run_command("check_executions", "--all").result["natures"] == {"duration": 1}
    Execution.objects.update(stderr=execution.stderr.replace("Ran 1 test in 0.0", "Ran 2 tests in 7.0"))
    assert run_command("check_executions", "--all").result["changed"] == 1


def test_how_far_an_endless_program_came_is_its_nature():
    code = "import time\nn = 0\nwhile True:\n    n += 1\n    print(n, flush=True)\n    time.sleep(0.05)"
    execution = an_execution(code, "1\n2\n", status="timeout", exit_code=None)
    Execution.objects.update(limits=dataclasses.asdict(sandbox.Limits(wall_s=0.5)))
    checked = run_command("check_executions", "--all")
    assert checked.result["by_nature"] == [
        {"execution": execution.pk, "natures": ["how far it came before it was stopped"]}
    ]


def test_a_program_gets_its_stored_input():
    an_execution("print(input()[::-1])", "drow\n", stdin="word\n")
    assert run_command("check_executions", "--all").result["changed"] == 0


def test_a_language_that_is_gone_is_told_and_the_rest_is_checked():
    gone = an_execution("DISPLAY 'hello'.", "hello\n", language="python")
    Execution.objects.filter(pk=gone.pk).update(language="cobol")
    an_execution("print(6 * 7)", "42\n")
    checked = run_command("check_executions", "--all")
    assert (checked.exit_code, checked.result["checked"], checked.result["changed"]) == (3, 1, 0)
    assert checked.result["not_run"] == [{"execution": gone.pk, "why": "not run: no cobol here"}]
    assert f"execution {gone.pk}: not run: no cobol here" in checked.said


def test_a_sample_runs_only_so_many():
    for number in range(4):
        reported_in_a_dialogue(an_execution(f"print({number})", f"{number}\n"))
    assert run_command("check_executions", "--sample", 2).result["checked"] == 2


def test_with_no_runs_there_is_nothing_to_do():
    checked = run_command("check_executions")
    assert checked.exit_code == 0 and checked.result["checked"] == 0
