"""Runner processes for tests: `python -m sandbox serve` on a free port, and what workers need to use it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import pytest

ROOT = Path(__file__).resolve().parent.parent


class RunnerProcess:
    """One runner. `command` may start Python as another user; `folder` is where it finds the package."""

    def __init__(self, *options, command=(sys.executable,), folder=ROOT, port=0, token=None, environ=None):
        self.token = token or uuid4().hex
        self.port = port
        self.log = []
        # What a runner needs and nothing else, so that a leak of its environment would be seen.
        self.process = subprocess.Popen(
            [*command, "-B", "-m", "sandbox", "serve", "--port", str(port), *map(str, options)],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "SANDBOX_TOKEN": self.token} | (environ or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.line = self.process.stdout.readline()
        if not self.line.startswith("runner at http://"):
            said = self.line + self.process.communicate(timeout=20)[0]
            raise RuntimeError(f"the runner did not start: {said}")
        self.port = int(self.line.split(",")[0].rpartition(":")[2])
        # Read along, so that a full pipe never stops it.
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stdout), daemon=True)
        self.reader.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self):
        """What a worker has to have in its environment to use this runner."""
        return {"SANDBOX": "remote", "SANDBOX_URL": self.url, "SANDBOX_TOKEN": self.token}

    @property
    def pid(self):
        """The process that serves: the one that was started, or its only child where that one stays outside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        outside = Path(f"/proc/{self.process.pid}/comm").read_text() == "unshare\n"
        return int(children[0]) if outside else self.process.pid

    def stop(self, number=signal.SIGTERM):
        """Tell it to end, wait, and give its exit status."""
        if self.process.poll() is None:
            os.kill(self.pid, number)
        status = self.process.wait(timeout=30)
        self.reader.join(timeout=5)
        self.process.stdout.close()
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)


@contextmanager
def running_runner(*options, **how):
    """A runner for the length of a block; it must still be there and end well at the end of it."""
    runner = RunnerProcess(*options, **how)
    try:
        yield runner
    finally:
        runner.stop()


def ask(runner, method, path, body=None, token=None, **headers):
    """One request as any client may send it: (status, JSON object, headers)."""
    connection = HTTPConnection("127.0.0.1", runner.port, timeout=30)
    authorization = {"Authorization": f"Bearer {runner.token if token is None else token}"}
    connection.request(method, path, body=body, headers=authorization | headers)
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    return answer.status, said, answer.headers


def health(runner):
    """(status, what it says) without a token."""
    return ask(runner, "GET", "/health", token="")[:2]


def run_there(runner, **job):
    """(status, JSON object) for a job as any client may send it."""
    return ask(runner, "POST", "/run", json.dumps(job))[:2]


def until(holds):
    """Wait until something comes true, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def runner():
    """A runner of two jobs at once for the tests of a module."""
    with running_runner("--jobs", "2") as runner:
        yield runner


@pytest.fixture
def through_runner(runner, monkeypatch):
    """`sandbox.run` in this process goes through the runner; gives it."""
    for name, value in runner.environ.items():
        monkeypatch.setenv(name, value)
    return runner
