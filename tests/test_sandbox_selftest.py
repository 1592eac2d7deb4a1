"""`python -m sandbox selftest`: a program and six attacks on whichever backend there is, and the exit code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Status, landlock, selftest
from sandbox.results import RunResult
from tests.runners import runner  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"^(held|FAILED) +(\S.*?)  +(\w+) +\d+\.\d\d s", re.MULTILINE)


def self_tested(**environ):
    command = [sys.executable, "-m", "sandbox", "selftest"]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize("backend", ["bubblewrap", "landlock", "remote"])
def test_a_program_and_six_attacks_are_held_and_the_exit_code_is_0(backend, runner):  # noqa: F811
    if backend == "landlock" and landlock.missing():
        pytest.skip(landlock.missing())
    done = self_tested(**({"SANDBOX": backend, "SANDBOX_SETUP": ""} | (runner.environ if backend == "remote" else {})))
    assert done.returncode == 0, done.stdout + done.stderr
    assert backend in done.stdout.splitlines()[0] or "runner at" in done.stdout.splitlines()[0]
    assert [held for held, _, _ in LINE.findall(done.stdout)] == ["held"] * 7


def test_without_a_sandbox_the_exit_code_is_1_and_the_line_says_why():
    done = self_tested(SANDBOX="disabled")
    assert done.returncode == 1
    assert "SANDBOX=disabled" in done.stdout


def test_the_attack_on_files_knows_this_host_and_reaches_them_where_no_wall_stands():
    check = next(check for check in selftest.checks() if check.name == "host files are out of reach")
    outside = subprocess.run([sys.executable, "-c", check.code], capture_output=True, text=True, check=True, timeout=30)
    reached = outside.stdout.count("reached")
    assert reached > len(list(Path("/etc").iterdir())) / 2
    assert str(ROOT.parents[-2]) in check.code.splitlines()[2]


def test_what_the_sandbox_shows_is_no_attack(tmp_path):
    for name in ("usr/bin", "etc/alternatives", "tmp", "data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/secret").touch()
    (tmp_path / "sbin").symlink_to("usr/bin")
    (tmp_path / "etc/zone").symlink_to("../usr/zone")
    kernel = [str(tmp_path / name) for name in ("proc/kcore", "proc/1/root")]
    assert selftest.hidden_paths(tmp_path) == [str(tmp_path / "data"), str(tmp_path / "etc/secret"), *kernel]


def test_an_attack_that_gets_through_is_shown_and_fails_the_test():
    check = selftest.checks()[4]
    reached = RunResult(
        Status.OK, "reached /settings\n", "", 0, None, False, 14, 0, 0.1, 0.1, 0, "run", "bubblewrap", ""
    )
    assert not selftest.held(check, reached)
    assert selftest.line(check, reached).startswith("FAILED") and "reached /settings" in selftest.line(check, reached)
