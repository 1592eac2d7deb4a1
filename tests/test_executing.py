"""Programs: run once, remembered for good; a failure of the sandbox itself is the item's and never remembered."""

import asyncio
import json
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import sandbox
from dialogues.methods.simulation import SimulationPayload, simulate
from runs import executing
from runs.kinds import Skipped
from runs.models import Execution, ItemState, RunState
from runs.starting import start_run
from runs.waiting import work_until_it_stops
from tests.making import ScriptedAsk
from tests.runners import running_runner
from tests.toy_kinds import parameters

pytestmark = pytest.mark.django_db(transaction=True)
LIMITS = sandbox.Limits()


@pytest.fixture(autouse=True)
def toy_kinds(settings, models_file):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


def a_run(code, items=2, **more):
    run = start_run("runs_code", by=None, title="toy", parameters=parameters(items, code=code, **more))
    return work_until_it_stops(run)


def key(code="print(1)", language="python", limits=LIMITS, **more):
    return executing.execution_key(code, language, limits=limits, **more)


def test_code_language_input_and_limits_make_the_key():
    others = [key("print(2)"), key(language="bash"), key(stdin="1"), key(limits=sandbox.Limits(wall_s=3))]
    assert len({key(), *others}) == 5
    assert key() == key() == key(language="py3")


def test_what_stands_around_the_program_is_in_the_key(monkeypatch):
    here = key()
    monkeypatch.setenv("SANDBOX", "disabled")
    assert key() != here


@pytest.mark.needs("bubblewrap")
def test_a_runner_between_makes_no_difference_to_the_key(monkeypatch):
    here = key()
    with running_runner() as runner:
        for name, value in runner.environ.items():
            monkeypatch.setenv(name, value)
        assert key() == here


@pytest.fixture
def runner_that_says(monkeypatch):
    """Runners that only tell which version of Python they have."""
    with ExitStack() as stack:

        def say(version):
            class Said(BaseHTTPRequestHandler):
                def do_GET(self):
                    about = {"backend": "bubblewrap", "line": "", "languages": {"python": version}}
                    body = json.dumps(about).encode()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_):
                    """Nobody reads it."""

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Said))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            monkeypatch.setenv("SANDBOX_URL", f"http://127.0.0.1:{server.server_address[1]}")
            monkeypatch.setenv("SANDBOX_TOKEN", "a" * 32)

        yield say


def test_another_version_of_the_language_gives_another_key(runner_that_says):
    keys = []
    for version in ("3.11.2", "3.13.0", "3.11.2"):
        runner_that_says(version)
        keys.append(key())
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.skipif(not sandbox.runtime("java"), reason="no java here")
def test_limits_that_the_runtime_raises_anyway_give_the_same_key():
    assert key(language="java", limits=sandbox.Limits(memory_mb=256)) == key(language="java")
    assert key(language="java", limits=sandbox.Limits(memory_mb=2048)) != key(language="java")


@pytest.mark.needs("bubblewrap")
def test_a_program_gets_its_input_when_it_is_run_again():
    assert executing.run_in_sandbox("print(input())", "python", LIMITS, stdin="naïve\n").stdout == "naïve\n"


@pytest.mark.needs("bubblewrap")
def test_a_program_is_run_once_and_remembered_across_runs():
    first = a_run("import time; print(time.time_ns())", items=3)
    again = a_run("import time; print(time.time_ns())", items=3)
    assert (first.items_done, again.items_done) == (3, 3), list(first.items.values_list("error", flat=True))
    execution = Execution.objects.get()
    assert (execution.status, execution.language, execution.backend) == ("ok", "python", "bubblewrap")
    assert execution.stdout.strip().isdecimal()


@pytest.mark.needs("bubblewrap")
def test_a_program_that_fails_is_a_result_like_any_other():
    assert a_run("print('before'); raise ValueError('no \\x00')", items=1).items_done == 1
    execution = Execution.objects.get()
    assert (execution.status, execution.exit_code, execution.stdout) == ("error", 1, "before\n")
    assert "ValueError" in execution.stderr
    assert not executing.executed(execution).ran_clean


def test_code_that_no_database_holds_is_remembered_all_the_same():
    code = "print('\x00 \ud800')"
    executing.remember(key(code), code, "python", limits=LIMITS, result=a_result("1\n"))
    assert executing.remembered(key(code)).code == "print('\ufffd \ufffd')"


def test_a_language_that_is_not_here_is_the_recorded_outcome_of_the_item_and_no_execution():
    run = a_run("print 1", items=2, language="cobol-85")
    assert (run.state, run.items_failed, run.items_skipped) == (RunState.DONE, 0, 2)
    skipped = run.items.filter(state=ItemState.SKIPPED).first()
    assert skipped.error == "not run: no cobol-85 here"
    assert not Execution.objects.exists()


@pytest.mark.needs("bubblewrap")
def test_an_answer_in_a_language_that_is_not_here_makes_no_execution_turn():
    async def execute(code, language="python"):
        return executing.run_in_sandbox(code, language, LIMITS)

    payload = SimulationPayload(1, "Greet.", languages=["python", "cobol"], feedback_rounds=0)
    with pytest.raises(Skipped, match="not run: no cobol here"):
        asyncio.run(simulate(payload, ScriptedAsk("```cobol\nDISPLAY 'hello'.\n```"), execute))


def test_a_sandbox_that_does_not_work_is_the_items_failure_and_no_execution(monkeypatch):
    monkeypatch.setenv("SANDBOX", "disabled")
    run = a_run("print(1)", items=1)
    assert (run.state, run.items_failed) == (RunState.FAILED, 1)
    assert "the program was not run: not run: Sandbox: disabled" in run.items.get().error
    assert not Execution.objects.exists()


def test_the_table_itself_refuses_a_failure_of_the_sandbox():
    result = sandbox.run("print(1)", "cobol-85")
    assert result.status == sandbox.Status.SANDBOX_ERROR
    with pytest.raises(Exception, match="execution_is_of_the_program"):
        executing.remember("k" * 64, "print(1)", "cobol-85", limits=LIMITS, result=result)


def test_whoever_stored_a_result_first_wins():
    first = a_result("1\n")
    stored = executing.remember(key(), "print(1)", "python", limits=LIMITS, result=first)
    later = executing.remember(key(), "print(1)", "python", limits=LIMITS, result=a_result("2\n"))
    assert later == stored
    assert executing.remembered(key()).stdout == "1\n"


def a_result(stdout):
    return sandbox.RunResult(
        status=sandbox.Status.OK,
        stdout=stdout,
        stderr="",
        exit_code=0,
        signal=None,
        truncated=False,
        stdout_bytes=len(stdout),
        stderr_bytes=0,
        wall_s=0.1,
        cpu_s=0.1,
        peak_rss_bytes=1000,
        phase="run",
        backend="bubblewrap",
        runtime="Python 3",
    )
