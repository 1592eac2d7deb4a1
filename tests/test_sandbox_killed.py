"""Whoever is killed, and whenever: no program and no half-made sandbox stays."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.processes import read_stat
from tests.leftovers import astray, group_of, until_none
from tests.sandbox_attack import (  # noqa: F401
    a_worker,
    as_nobody,
    public_copy,
    python_for_nobody,
    survivors,
    until_gone,
    until_there,
)
from tests.sizes import sized

pytestmark = pytest.mark.needs("bubblewrap")
KILLS = sized(400)
WORKERS_AT_ONCE = 4
LASTING = "import time; time.sleep({seconds})"
# A launcher that is held where its two halves have parted and the inner one waits for the outer one's word to go on:
# the outer one first says on the status pipe who the inner one is, and that pipe is full.
HELD = """
import os, sys, time
from sandbox import Limits, commands, launching, walls
from sandbox.jobs import make_job
from sandbox.languages import LANGUAGES
from sandbox.seccomp import filter_program
FULL = '''
import os, sys
status, *command = sys.argv[1:]
os.set_blocking(int(status), False)
try:
    while os.write(int(status), b" " * 4096): pass
except BlockingIOError:
    os.set_blocking(int(status), True)
os.execv(command[0], command)
'''
job = make_job("import time; time.sleep(20)", LANGUAGES["python"], "", stdin=b"", files=(), limits=Limits())
user = launching.next_user_id() if os.geteuid() == 0 else os.geteuid()
def arguments(descriptors):
    become = commands.as_other_user(user) if os.geteuid() == 0 else ()
    words = walls.arguments(job, walls.DEFAULT_VARIATION, walls.ALL_WALLS, descriptors)
    if sys.argv[1] != "kept":
        words = ["/box/" if word == "/box" else word for word in words]  # no other warden takes it for one of ours
    full = ("/usr/bin/python3", "-I", "-S", "-c", FULL, str(descriptors.status))
    return [*become, *full, *words, *commands.program(job, descriptors.phase)]
files = [content for _, content in job.files]
about = dict(files=files, stdin=b"", filter_program=filter_program(), owner=user, kept=sys.argv[1] == "kept")
with launching.launch(arguments, **about) as launched:
    print(launched.process, launching.warden_process(), flush=True)
    time.sleep(60)
"""
# Programs without a pause, and as soon as the first has begun.
BUSY = """
import sys, threading
from sandbox import Limits, bubblewrap
from sandbox.jobs import make_job
from sandbox.languages import LANGUAGES
def work():
    while True:
        made = make_job("print(1)", LANGUAGES["python"], "", stdin=b"", files=(), limits=Limits())
        assert bubblewrap.start(made).exit_code == 0
bubblewrap.start(make_job("", LANGUAGES["python"], "", stdin=b"", files=(), limits=Limits()))
for _ in range(3): threading.Thread(target=work).start()
print("busy", flush=True)
"""


@pytest.fixture(params=["same user", "ordinary user"])
def ordinary(request):
    """Whether the worker is to be an ordinary user."""
    if request.param == "ordinary user" and os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    return request.param == "ordinary user"


@pytest.fixture
def doomed(ordinary, public_copy):
    """A worker that a test may kill."""
    with a_worker(public_copy, ordinary=ordinary) as started:
        yield started


def python(ordinary, code, *words):
    """A process that runs this code, whose words a test reads."""
    command = [*as_nobody(), python_for_nobody()] if ordinary else [sys.executable]
    return [*command, "-B", "-c", code, *words]


def a_process(folder, ordinary, code, *words):
    return subprocess.Popen(python(ordinary, code, *words), cwd=folder, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def half_made(ordinary, public_copy):
    """Begins sandboxes that stay half made: (the worker, its launcher, its warden, the inner process)."""
    started = []

    def begin(kept="kept"):
        worker = a_process(public_copy, ordinary, HELD, kept)
        started.append(worker)
        launcher, warden = map(int, worker.stdout.readline().split())
        inner = until_waiting(launcher)
        return worker, launcher, warden, inner

    yield begin
    for worker in started:
        worker.kill()
        worker.communicate()


def until_waiting(launcher):
    """The inner process of a launcher, once it waits for the word to go on."""
    deadline = time.monotonic() + 20
    while True:
        inside = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
        if inside and read_stat(inside[0])[0] == "S":
            return int(inside[0])
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_worker_leaves_no_program_running(doomed):
    token = doomed.begin(LASTING.format(seconds=60), limits={"wall_s": 60})
    until_there(token)
    doomed.process.kill()
    until_gone(token)


@pytest.mark.parametrize("away", [["dies_with_us"], ["kept"], ["dies_with_us", "kept"]], ids=" and ".join)
def test_a_program_outlives_its_killed_worker_only_where_both_walls_are_away(away, doomed):
    token = doomed.begin(LASTING.format(seconds=20), without=away)
    until_there(token)
    doomed.process.kill()
    doomed.process.wait()
    if len(away) == 1:
        until_gone(token)
        return
    time.sleep(0.5)
    left = survivors(token)
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert left
    until_gone(token)


@pytest.mark.parametrize("killed", ["worker", "launcher", "both"])
def test_a_half_made_sandbox_ends_whoever_is_killed(killed, half_made):
    worker, launcher, warden, inner = half_made()
    for process in {"worker": [worker.pid], "launcher": [launcher], "both": [launcher, worker.pid]}[killed]:
        os.kill(process, signal.SIGKILL)
    until_none(lambda: group_of(launcher) | group_of(inner))
    if killed != "launcher":
        until_none(lambda: group_of(warden))


def test_without_its_wall_it_waits_for_a_word_that_never_comes(half_made):
    worker, launcher, _, inner = half_made("let go")
    worker.kill()
    worker.wait()
    until_none(lambda: group_of(launcher) - {inner})
    time.sleep(0.5)
    assert group_of(launcher) == {inner}
    os.kill(inner, signal.SIGKILL)


def test_what_a_killed_warden_leaves_is_ended_by_the_next_one(half_made, ordinary, public_copy):
    worker, launcher, warden, inner = half_made()
    living, living_launcher, *_, living_inner = half_made()
    for process in (warden, worker.pid):
        os.kill(process, signal.SIGKILL)
    until_none(lambda: group_of(launcher) - {inner})
    subprocess.run(python(ordinary, "import sandbox; sandbox.probe()"), cwd=public_copy, check=True)
    until_none(lambda: group_of(launcher))
    assert group_of(living_launcher) == {living_launcher, living_inner}
    assert living.poll() is None


def test_a_killed_warden_is_our_failure_and_the_next_program_gets_a_new_one(doomed):
    token = doomed.begin(LASTING.format(seconds=20))
    until_there(token)
    (warden,) = Path(f"/proc/{doomed.process.pid}/task/{doomed.process.pid}/children").read_text().split()
    os.kill(int(warden), signal.SIGKILL)
    assert b'"sandbox_error"' in doomed.process.stdout.readline()
    assert not survivors(token)
    assert doomed.run("print(1)")[0].stdout == "1\n"


def test_a_warden_stays_when_the_group_of_its_worker_is_killed(public_copy):
    worker = subprocess.Popen(
        python(False, HELD, "kept"), cwd=public_copy, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    launcher, warden = map(int, worker.stdout.readline().split())
    until_waiting(launcher)
    os.killpg(worker.pid, signal.SIGKILL)
    until_none(lambda: group_of(launcher) | group_of(warden))
    worker.communicate()


@pytest.mark.soak
def test_hundreds_of_kills_under_load_leave_no_process(public_copy):
    """Workers that do nothing but start programs, each killed at some moment; two cores are never idle."""
    before, jitter = astray(), random.Random(4)
    moments = [jitter.uniform(0, 0.1) for _ in range(KILLS)]

    def one_kill(number):
        with a_process(public_copy, number % 2 == 1 and os.geteuid() == 0, BUSY) as worker:
            worker.stdout.readline()
            wardens = {
                int(child)
                for task in Path(f"/proc/{worker.pid}/task").iterdir()
                for child in (task / "children").read_text().split()
            }
            time.sleep(moments[number])
            worker.kill()
        return wardens

    with ThreadPoolExecutor(WORKERS_AT_ONCE) as pool:
        wardens = set().union(*pool.map(one_kill, range(KILLS)))
    assert len(wardens) >= KILLS * 0.9
    until_none(lambda: (astray() - before) | {one for one in wardens if (read_stat(one) or "Z")[0] != "Z"})
