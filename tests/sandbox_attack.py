"""Workers that run programs for a test: as its user, as an ordinary user when that is root, through a runner."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox import RunResult, Status
from tests.runners import RunnerProcess

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
WALL_S = 10.0
# A program is over within a second of its limit; where other tests are at work beside it, within five.
LATE_S = 5.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
SECRET = "the secret in the environment"
SECRET_IN_A_FILE = "the secret in a file"

# Forked children inherit the name, so that survivors can be told from other programs on the machine.
NAMED = """
try:
    with open('/proc/self/comm', 'w') as _comm: _comm.write('{token}')
except OSError:
    __import__('ctypes').CDLL(None).prctl(15, b'{token}', 0, 0, 0)
"""


@pytest.fixture(scope="module")
def public_copy():
    """A folder of the host that anyone may read: the package, a secret, a place to write. Never under /tmp,
    which is another folder inside every sandbox."""
    folder = Path(tempfile.mkdtemp(prefix="sandbox-test-", dir="/var/tmp"))
    shutil.copytree(ROOT / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("sandbox_worker.py"), folder)
    (folder / ".env").write_text(SECRET_IN_A_FILE)
    (folder / ".env").chmod(0o666)
    for name in ("open", "temporary"):
        (folder / name).mkdir()
        (folder / name).chmod(0o1777)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody():
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


def python_for_nobody():
    # setpriv still has root's powers when it starts a program; what that starts in turn shows what the user may.
    again = "import enum, subprocess, sys; enum.StrEnum; subprocess.run([sys.executable, '-c', ''], check=True)"
    for python in (sys.executable, "/usr/bin/python3"):
        probe = [*as_nobody(), python, "-c", again]
        if subprocess.run(probe, check=False, capture_output=True, cwd="/").returncode == 0:
            return python
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail("REQUIRE_ALL=1, but an ordinary user can start no Python 3.11 here")
    pytest.skip("an ordinary user can start no Python 3.11 here")
    return None


@dataclass
class Worker:
    """One process that runs programs, and who it is."""

    process: subprocess.Popen
    as_root: bool
    user: int

    def begin(self, code, *, bounded=False, **job):
        """Have it begin a program; gives the name by which its processes are known."""
        token = uuid4().hex[:12]
        told = f"bounded = {bounded}\n{NAMED.format(token=token)}" if job.get("language", "python") == "python" else ""
        self.process.stdin.write(json.dumps({"limits": {}, **job, "code": told + code}).encode() + b"\n")
        self.process.stdin.flush()
        return token

    def run(self, code, *, timeout_s=60, **job):
        """(the result, how many seconds it took, what was left running)."""
        token = self.begin(code, **job)
        assert select.select([self.process.stdout], [], [], timeout_s)[0], "the worker does not answer"
        answer = self.process.stdout.readline()
        assert answer, "the worker ended"
        fields, elapsed_s = json.loads(answer)
        return RunResult(**fields | {"status": Status(fields["status"])}), elapsed_s, survivors(token)


@contextmanager
def a_worker(folder, *, ordinary, environ=None):
    command = [*as_nobody(), python_for_nobody()] if ordinary else [sys.executable]
    process = subprocess.Popen(
        [*command, "-B", "sandbox_worker.py"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "SANDBOX": "bubblewrap", "SECRET": SECRET, "TMPDIR": f"{folder}/temporary"}
        | (environ or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    as_root = os.geteuid() == 0 and not ordinary
    try:
        yield Worker(process, as_root, NOBODY if ordinary else os.geteuid())
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=30)


@pytest.fixture(scope="module", params=["same user", "ordinary user"])
def worker(request, public_copy):
    """A worker, once as the user of the tests and, when that is root, once as an ordinary user."""
    ordinary = request.param == "ordinary user"
    if ordinary and os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    with a_worker(public_copy, ordinary=ordinary) as started:
        yield started


@pytest.fixture(scope="module", params=["same user", "ordinary user", "runner"])
def any_worker(request, public_copy):
    """The same, and one whose programs go through a runner."""
    with a_worker_as(request.param, public_copy) as started:
        yield started


@contextmanager
def a_worker_as(who, folder):
    """A worker of that name, all its programs behind every wall: "ordinary user's runner" is one of them as well."""
    ordinary = who.startswith("ordinary user")
    if ordinary and os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    if "runner" not in who:
        with a_worker(folder, ordinary=ordinary) as started:
            yield started
        return
    command = [*as_nobody(), python_for_nobody()] if ordinary else [sys.executable]
    # It holds the secret too: a runner that leaked its environment would show it.
    runner = RunnerProcess("--jobs", "2", command=command, folder=folder, environ={"SECRET": SECRET})
    try:
        with a_worker(folder, ordinary=ordinary, environ=runner.environ) as started:
            yield started
    finally:
        runner.stop()


@pytest.fixture
def attack(any_worker):
    """Runs a program, checks that it kept the time and left no process, gives the result."""

    def run_attack(code: str, language: str = "python", stdin: str = "", **limits) -> RunResult:
        limits = {"wall_s": WALL_S} | limits
        result, elapsed_s, left = any_worker.run(code, language=language, stdin=stdin, limits=limits)
        assert elapsed_s < limits["wall_s"] + LATE_S
        assert not left
        return result

    return run_attack


def survivors(token: str) -> list[int]:
    """Processes of the machine that a program named so."""
    found = []
    for place in Path("/proc").iterdir():  # globbing looks once more at each, and stumbles over one just gone
        try:
            if place.name.isdigit() and (place / "comm").read_text().strip() == token:
                found.append(int(place.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def children() -> list[str]:
    """Processes that some thread of ours started."""
    return [child for listed in Path("/proc/self/task").glob("*/children") for child in listed.read_text().split()]


def until_there(token: str) -> None:
    deadline = time.monotonic() + 20
    while not survivors(token):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def until_gone(token: str) -> None:
    deadline = time.monotonic() + 20
    while survivors(token):
        assert time.monotonic() < deadline
        time.sleep(0.02)
