"""The runner answers every request with what it is, whatever is sent to it, and ends what nobody waits for."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import base64
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from sandbox.serving import MOST
from tests.runners import ROOT, ask, health, run_there, runner, running_runner, until  # noqa: F401
from tests.sandbox_attack import NAMED, survivors, until_gone, until_there

pytestmark = pytest.mark.needs("bubblewrap")
TOKEN = "a token of some length"


def sleeper(seconds=60):
    """A name and a job, which nothing but the runner's care ends before its seconds are over."""
    token = uuid4().hex[:12]
    code = NAMED.format(token=token) + f"import time; time.sleep({seconds}); print('end')"
    return token, {"code": code, "limits": {"wall_s": 60}}


def test_a_job_gives_its_result(runner):
    content = base64.b64encode(b"21").decode()
    job = {"code": "print(int(input()) * int(open('a').read()))", "stdin": base64.b64encode(b"2\n").decode()}
    status, result = run_there(runner, **job, files=[{"name": "a", "content": content}], limits={"wall_s": 5})
    assert (status, result["status"], result["stdout"], result["backend"]) == (200, "ok", "42\n", "bubblewrap")


def test_health_says_how_things_stand_without_a_token_and_nothing_more(runner):
    status, said = health(runner)
    assert (status, said) == (200, {"backend": "bubblewrap", "jobs": 2, "running": 0, "waiting": 0})


def test_limits_above_the_runners_own_are_lowered_to_them(runner):
    huge = {"wall_s": 10**400, "memory_mb": 10**30, "processes": 10**9, "keep_bytes": 10**12}
    status, result = run_there(runner, code="print(open('/proc/self/limits').read())", limits=huge)
    assert (status, result["status"]) == (200, "ok")
    values = {line[:26].strip(): line[26:].split()[0] for line in result["stdout"].strip().splitlines()}
    assert values["Max processes"] == str(MOST.processes)
    assert values["Max address space"] == str(MOST.memory_mb * 2**20)


def test_a_request_that_is_too_large_is_refused_before_it_is_read():
    with running_runner("--max-request", "2048") as small:
        assert run_there(small, code="print(1)")[0] == 200
        status, said = run_there(small, code="#" * 10_000_000)
        assert status == 413 and "2048 bytes" in said["error"]


def test_beyond_its_places_a_client_is_told_when_to_come_back():
    token, job = sleeper()
    with running_runner("--jobs", "1") as narrow, ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(run_there, narrow, **job) for _ in range(2)]
        until(lambda: (health(narrow)[1]["running"], health(narrow)[1]["waiting"]) == (1, 1))
        status, said, headers = ask(narrow, "POST", "/run", json.dumps({"code": "1"}))
        assert (status, headers["Retry-After"]) == (503, "1") and "no place" in said["error"]
        narrow.kill()
        assert all(one.exception() for one in busy)
    until_gone(token)


def test_more_connections_than_it_takes_are_sent_away_and_the_others_served(runner):
    idle = [socket.create_connection(("127.0.0.1", runner.port)) for _ in range(100)]
    late = [client for client in idle if client in _readable(idle)]
    assert late and all(b" 503 " in client.recv(100) for client in late)
    for client in idle:
        client.close()
    # It learns of each that went by and by.
    until(lambda: run_there(runner, code="print(1)")[0] == 200)


def test_when_a_client_goes_its_program_is_ended(runner):
    token, job = sleeper()
    with socket.create_connection(("127.0.0.1", runner.port)) as client:
        client.sendall(post(runner, job))
        until_there(token)
    until_gone(token)
    until(lambda: health(runner)[1]["running"] == 0)


def test_a_job_that_waits_is_never_begun_when_its_client_goes():
    token, job = sleeper()
    other, waiting = sleeper()
    with running_runner("--jobs", "1") as narrow, socket.create_connection(("127.0.0.1", narrow.port)) as first:
        first.sendall(post(narrow, job))
        until_there(token)
        with socket.create_connection(("127.0.0.1", narrow.port)) as second:
            second.sendall(post(narrow, waiting))
            until(lambda: health(narrow)[1]["waiting"] == 1)
        until(lambda: health(narrow)[1]["waiting"] == 0)
        assert survivors(token) and not survivors(other)
    until_gone(token)


def test_told_to_end_it_finishes_what_ends_soon_and_ends_the_rest_and_leaves_no_process():
    soon, short = sleeper(1)
    never, endless = sleeper()
    with running_runner("--jobs", "2") as runner, ThreadPoolExecutor(2) as pool:
        finished, cut_off = (
            pool.submit(run_there, runner, **short),
            pool.submit(ask, runner, "POST", "/run", json.dumps(endless)),
        )
        until_there(soon)
        until_there(never)
        begun = time.monotonic()
        assert runner.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 8
        assert finished.result()[1]["stdout"] == "end\n"
        status, _, headers = cut_off.result()
        assert (status, headers["Retry-After"]) == (503, "1")
    assert not survivors(soon) and not survivors(never)


@pytest.mark.parametrize(
    ("environ", "arguments", "words"),
    [
        ({}, [], "SANDBOX_TOKEN must hold a token of at least 16"),
        ({"SANDBOX_TOKEN": "short"}, [], "SANDBOX_TOKEN must hold a token of at least 16"),
        ({"SANDBOX_TOKEN": TOKEN}, ["--token-env", "RUNNER_TOKEN"], "RUNNER_TOKEN must hold"),
        ({"SANDBOX_TOKEN": TOKEN, "SANDBOX_URL": "http://127.0.0.1:1"}, [], "unset SANDBOX_URL"),
        ({"SANDBOX_TOKEN": TOKEN}, ["--port", "99999"], "--port must be from 0 to 65535"),
        ({"SANDBOX_TOKEN": TOKEN}, ["--jobs", "0"], "--jobs must be from 1"),
        ({"SANDBOX_TOKEN": TOKEN}, ["--max-request", "1"], "--max-request must be from 1024"),
        ({"SANDBOX_TOKEN": TOKEN}, ["--host", "192.0.2.1"], "cannot serve on 192.0.2.1:8200"),
    ],
)
def test_it_does_not_start_on_bad_terms_and_says_why(environ, arguments, words):
    done = subprocess.run(
        [sys.executable, "-B", "-m", "sandbox", "serve", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_where_nothing_works_it_is_unwell_and_says_so_of_every_job():
    with running_runner(environ={"SANDBOX": "disabled"}) as idle:
        assert health(idle)[0] == 503
        assert "disabled" in ask(idle, "GET", "/languages")[1]["line"]
        status, result = run_there(idle, code="print(1)")
        assert (status, result["status"]) == (200, "sandbox_error") and "disabled" in result["stderr"]


def test_it_takes_nothing_weaker_than_bubblewrap():
    with running_runner(environ={"SANDBOX": "landlock"}) as weak:
        assert health(weak)[0] == 503 and "landlock" in weak.line
        assert run_there(weak, code="print(1)")[1]["status"] == "sandbox_error"


def post(runner, job):
    body = json.dumps(job)
    head = f"POST /run HTTP/1.1\r\nAuthorization: Bearer {runner.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _readable(sockets):
    return select.select(sockets, [], [], 1)[0]
