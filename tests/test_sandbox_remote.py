"""Programs that run on a runner end as they do here; a runner that fails is never the program's error."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest

import sandbox
from runs.executing import SandboxFailed, run_in_sandbox
from sandbox import Limits, RunnerFailed, Status, remote
from sandbox.remote import Runner
from sandbox.wire import Request
from tests.runners import RunnerProcess, health, runner, running_runner, through_runner, until  # noqa: F401
from tests.sandbox_attack import NAMED, survivors, until_gone

pytestmark = pytest.mark.needs("bubblewrap")
MEASURED = {"wall_s": 0.0, "cpu_s": 0.0, "peak_rss_bytes": 0, "backend": ""}
PROGRAMS = {
    "prints": {"code": "print('naïve 🙂')"},
    "fails": {"code": "import sys; print('before'); sys.exit(300)"},
    "raises": {"code": "raise ValueError('no \\x00')"},
    "is cut off": {"code": "while True: pass", "limits": Limits(wall_s=0.5)},
    "reads input": {"code": "print(input()[::-1])", "stdin": "äöü\n".encode()},
    "reads a file": {"code": "print(open('data/a.bin', 'rb').read())", "files": [("data/a.bin", bytes(range(256)))]},
    "writes bytes": {"code": r"import sys; sys.stdout.buffer.write(b'\xff\x00\xfe end')"},
    "writes much": {"code": "print('x' * 300_000)"},
    "writes too much": {"code": "while True: print('x' * 10_000)", "limits": Limits(kill_bytes=500_000)},
    "crashes": {"code": "import os; os.kill(os.getpid(), 11)"},
    "takes memory": {"code": "x = bytearray(2**30)", "limits": Limits(memory_mb=128)},
    "is no text": {"code": "print('\ud800')"},
    "is bash": {"code": "echo $((6 * 7)) >&2", "language": "sh"},
    "is nothing we run": {"code": "print 1", "language": "cobol-85"},
}


@pytest.fixture
def here(monkeypatch):
    """Runs a program on this machine, whatever the environment of the test says."""

    def run_here(**job):
        with monkeypatch.context() as patch:
            patch.setenv("SANDBOX", "bubblewrap")
            return sandbox.run(**job)

    return run_here


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_on_the_runner_as_it_does_here(name, through_runner, here):
    there, local = sandbox.run(**PROGRAMS[name]), here(**PROGRAMS[name])
    if "too much" in name:  # how much more had been read when it was stopped is chance
        local, there = (dataclasses.replace(one, stdout="", stdout_bytes=0) for one in (local, there))
    assert dataclasses.replace(there, **MEASURED) == dataclasses.replace(local, **MEASURED)
    assert there.backend == (f"remote:{local.backend}" if local.backend else "")


def test_the_languages_and_versions_are_those_of_the_runner(through_runner, here, monkeypatch):
    there, version = sandbox.languages(), sandbox.runtime("py")
    monkeypatch.setenv("SANDBOX", "bubblewrap")
    assert (there, version) == (sandbox.languages(), sandbox.runtime("python"))


def test_files_that_cannot_stand_beside_the_program_are_the_callers_error_there_too(through_runner):
    with pytest.raises(sandbox.BadJob, match="plain relative path"):
        sandbox.run("1", files=[("../escape", b"")])


def test_the_probe_names_the_runner_and_what_works_there(through_runner):
    found = sandbox.probe()
    assert found.backend == "remote:bubblewrap"
    assert through_runner.url in found.line and "bubblewrap" in found.line


def test_a_token_that_is_not_the_runners_is_named_at_once(through_runner, monkeypatch):
    monkeypatch.setenv("SANDBOX_TOKEN", "another token than that")
    begun = time.monotonic()
    result = sandbox.run("print(1)")
    assert (result.status, result.stdout) == (Status.SANDBOX_ERROR, "")
    assert "set SANDBOX_TOKEN" in result.stderr and "another token" not in result.stderr
    assert "SANDBOX_TOKEN" in sandbox.probe().line
    assert time.monotonic() < begun + 10  # so long one that is away is waited for, each time


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SANDBOX_TOKEN", "", "SANDBOX_TOKEN is not set"),
        ("SANDBOX_TOKEN", "two\nlines", "SANDBOX_TOKEN is not set"),
        ("SANDBOX_URL", "", "SANDBOX_URL must be the address"),
        ("SANDBOX_URL", "runner:8200", "SANDBOX_URL must be the address"),
        ("SANDBOX_URL", "http://name:secret@127.0.0.1", "SANDBOX_URL must be the address"),
        ("SANDBOX_URL", "http://127.0.0.1:99999", "SANDBOX_URL must be the address"),
    ],
)
def test_a_variable_that_cannot_be_right_is_named_and_nothing_runs(through_runner, monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    for text in (sandbox.run("print(1)").stderr, sandbox.probe().line):
        assert words in text and "secret" not in text
    with pytest.raises(RunnerFailed, match=words):
        sandbox.runtime("python")


def test_without_sandbox_remote_the_address_alone_chooses_the_runner_unless_another_backend_is_named(
    through_runner, monkeypatch
):
    monkeypatch.delenv("SANDBOX")
    assert sandbox.run("print(1)").backend == "remote:bubblewrap"
    monkeypatch.setenv("SANDBOX", "bubblewrap")
    assert sandbox.run("print(1)").backend == "bubblewrap"
    monkeypatch.setenv("SANDBOX", "disabled")
    assert sandbox.run("print(1)").status is Status.SANDBOX_ERROR


def test_a_runner_that_is_away_is_waited_for_and_then_named_and_nothing_runs_here_instead():
    with running_runner() as gone:
        away = Runner(gone.url, gone.token, patience_s=0.5)
        assert remote.run(away, Request("print(1)")).status is Status.OK
    begun = time.monotonic()
    with pytest.raises(RunnerFailed, match="does not answer: Connection refused"):
        remote.run(away, Request("print(1)"))
    assert 0.5 <= time.monotonic() - begun < 3


def test_what_answers_but_is_no_runner_is_told_so(tmp_path):
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(RunnerFailed, match=r"is no runner .*404.*check SANDBOX_URL"):
            remote.look(Runner(f"http://127.0.0.1:{server.server_port}", "a token of some length"))
        server.shutdown()


def test_more_jobs_than_places_are_sent_away_and_succeed_later(monkeypatch):
    with running_runner("--jobs", "1") as narrow:
        for name, value in narrow.environ.items():
            monkeypatch.setenv(name, value)
        with ThreadPoolExecutor(5) as pool:
            results = list(pool.map(sandbox.run, ["import time; time.sleep(0.3); print(1)"] * 5))
    assert [(result.status, result.stdout) for result in results] == [(Status.OK, "1\n")] * 5
    assert any("refused with 503" in line for line in narrow.log)


def test_a_runner_that_never_has_a_place_is_given_up(monkeypatch):
    with running_runner("--jobs", "1") as full, ThreadPoolExecutor(2) as pool:
        patient = Runner(full.url, full.token)
        busy = [pool.submit(remote.run, patient, Request("import time; time.sleep(3)")) for _ in range(2)]
        until(lambda: health(full)[1]["waiting"] == 1)
        with pytest.raises(RunnerFailed, match="no place free"):
            remote.run(Runner(full.url, full.token, busy_patience_s=0.5), Request("print(1)"))
        full.kill()
        assert all(isinstance(one.exception(), RunnerFailed) for one in busy)


def test_a_runner_killed_mid_job_takes_the_program_along_and_the_job_is_tried_again(monkeypatch):
    token = uuid4().hex[:12]
    program = NAMED.format(token=token) + "import time; time.sleep(1.5); print('end')"
    first = RunnerProcess()
    for name, value in first.environ.items():
        monkeypatch.setenv(name, value)
    assert sandbox.runtime("python")
    with ThreadPoolExecutor(2) as pool:
        once = pool.submit(sandbox.run, program)
        again = pool.submit(run_in_sandbox, program, "python", Limits())
        until(lambda: len(survivors(token)) == 2)
        first.kill()
        until_gone(token)
        assert once.result(timeout=10).status is Status.SANDBOX_ERROR
        assert "ended before it answered" in once.result().stderr
        with running_runner(port=first.port, token=first.token):
            result = again.result(timeout=20)
    assert (result.status, result.stdout) == (Status.OK, "end\n")


def test_a_runner_that_cannot_be_asked_is_the_sandboxs_failure_and_not_the_programs(through_runner, monkeypatch):
    monkeypatch.setenv("SANDBOX_TOKEN", "another token than that")
    with pytest.raises(SandboxFailed, match="set SANDBOX_TOKEN"):
        run_in_sandbox("print(1)", "python", Limits())


def test_a_program_finds_neither_the_runners_token_nor_its_environment_nor_its_door(through_runner):
    result = sandbox.run(
        "import glob, os, socket\n"
        "for name in [*glob.glob('/proc/[0-9]*/environ'), *glob.glob('/proc/[0-9]*/cmdline')]:\n"
        "    try: print(open(name, 'rb').read())\n"
        "    except OSError as error: print(error)\n"
        "print(dict(os.environ))\n"
        f"try: socket.create_connection(('127.0.0.1', {through_runner.port}), 1); print('reached')\n"
        "except OSError as error: print(error.errno)\n"
    )
    assert result.status is Status.OK and "PATH=/usr/bin" in result.stdout
    assert through_runner.token not in result.stdout and "SANDBOX" not in result.stdout
    assert result.stdout.endswith("\n111\n")


def test_many_threads_at_once_mix_no_results(through_runner):
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda number: (number, sandbox.run(f"print({number})").stdout), range(24))
        assert all(stdout == f"{number}\n" for number, stdout in results)
    assert threading.active_count() < 20
