"""Attacks run in a process of their own, as the user of the tests and, when that is root, as an ordinary user too."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox import RunResult, Status

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
WALL_S = 10.0

# Runs in a process of its own: the job as JSON on standard input, the result as JSON on standard output.
DRIVER = """
import dataclasses, json, sys, time
import sandbox
job = json.load(sys.stdin)
begun = time.monotonic()
result = sandbox.run(job["code"], limits=sandbox.Limits(**job["limits"]))
print(json.dumps([dataclasses.asdict(result), time.monotonic() - begun]))
"""


@pytest.fixture(scope="module")
def public_copy():
    """The package where an ordinary user can read it, wherever the checkout lies."""
    folder = Path(tempfile.mkdtemp(prefix="sandbox-test-"))
    shutil.copytree(ROOT / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _python_for_nobody():
    for python in (sys.executable, "/usr/bin/python3"):
        probe = [*_as_nobody(), python, "-c", "import enum; enum.StrEnum"]
        if subprocess.run(probe, check=False, capture_output=True, cwd="/").returncode == 0:
            return python
    pytest.skip("an ordinary user can start no Python 3.11 here")
    return None


def _as_nobody():
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


@pytest.fixture(params=["same user", "ordinary user"])
def attack(request, public_copy):
    """Runs a program in a fresh process, checks that it kept the time and left no process, gives the result."""
    if request.param == "same user":
        command = [sys.executable]
    elif os.geteuid() == 0:
        command = [*_as_nobody(), _python_for_nobody()]
    else:
        pytest.skip("already an ordinary user")

    def run_attack(code: str, **limits) -> RunResult:
        token = uuid4().hex[:12]
        job = {"code": NAMED.format(token=token) + code, "limits": {"wall_s": WALL_S} | limits}
        done = subprocess.run(
            [*command, "-B", "-c", DRIVER],
            input=json.dumps(job).encode(),
            cwd=public_copy,
            env={"PATH": "/usr/bin:/bin", "SECRET": "the secret in the environment"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        fields, elapsed_s = json.loads(done.stdout)
        assert elapsed_s < job["limits"]["wall_s"] + 1
        assert not survivors(token)
        return RunResult(**fields | {"status": Status(fields["status"])})

    return run_attack


# Forked children inherit the name, so that survivors can be told from other programs on the machine.
NAMED = "with open('/proc/self/comm', 'w') as _comm: _comm.write('{token}')\n"


def survivors(token: str) -> list[str]:
    names = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            names.append(comm.read_text().strip())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [name for name in names if name == token]


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
