"""Work whose programs run on a runner: stored as what they are, and finished although the runner dies on the way."""

import threading
from uuid import uuid4

import pytest

from runs.models import Execution, RunState
from runs.starting import start_run
from runs.waiting import work_until_it_stops
from tests.runners import RunnerProcess, running_runner
from tests.sandbox_attack import NAMED, until_there
from tests.toy_kinds import parameters

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True), pytest.mark.needs("bubblewrap")]


@pytest.fixture(autouse=True)
def toy_kinds(settings, models_file):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


def a_run(code, environ, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    run = start_run("runs_code", by=None, title="toy", parameters=parameters(2, code=code))
    return work_until_it_stops(run)


def test_an_execution_says_that_it_was_made_on_a_runner_and_is_remembered(monkeypatch):
    with running_runner() as runner:
        a_run("print(6 * 7)", runner.environ, monkeypatch)
        a_run("print(6 * 7)", runner.environ, monkeypatch)
    execution = Execution.objects.get()
    assert (execution.backend, execution.status, execution.stdout) == ("remote:bubblewrap", "ok", "42\n")
    assert execution.runtime.startswith("python 3")


def test_a_run_is_finished_although_its_runner_is_killed_and_started_again(monkeypatch):
    token = uuid4().hex[:12]
    first = RunnerProcess()
    successors = []

    def kill_and_start_again():
        until_there(token)
        first.kill()
        successors.append(RunnerProcess(port=first.port, token=first.token))

    killer = threading.Thread(target=kill_and_start_again)
    killer.start()
    run = a_run(NAMED.format(token=token) + "import time; time.sleep(0.5); print('end')", first.environ, monkeypatch)
    killer.join()
    successors[0].stop()
    assert (run.state, run.items_done, run.items_failed) == (RunState.DONE, 2, 0)
    assert Execution.objects.get().stdout == "end\n"


def test_with_a_wrong_address_the_items_fail_with_the_remedy_and_nothing_is_remembered(monkeypatch):
    environ = {"SANDBOX": "remote", "SANDBOX_URL": "runner:8200", "SANDBOX_TOKEN": "a token of some length"}
    run = a_run("print(1)", environ, monkeypatch)
    assert (run.state, run.items_failed) == (RunState.FAILED, 2)
    assert "SANDBOX_URL must be the address of a runner" in run.items.first().error
    assert not Execution.objects.exists()
