"""The nine facts found by experiment, numbered as in docs/sandbox.md, each as a wall that holds."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import json
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

import sandbox
from sandbox import Limits, Status, bubblewrap
from sandbox.jobs import make_job
from sandbox.languages import LANGUAGES
from sandbox.supervising import supervise
from tests.sandbox_attack import DRIVER, NAMED, attack, children, public_copy, survivors, until_gone, until_there  # noqa: F401

pytestmark = pytest.mark.needs("bubblewrap")


def test_1_the_launchers_environment_cannot_be_read_inside(attack):
    result = attack(
        "import glob, os\n"
        "for name in glob.glob('/proc/[0-9]*/environ'): print(open(name, 'rb').read())\n"
        "print(dict(os.environ))"
    )
    assert result.status is Status.OK
    assert "PATH=/usr/bin" in result.stdout
    assert "SECRET" not in result.stdout


def test_2_a_fork_bomb_meets_the_limit_on_processes(attack):
    result = attack(
        "import os, time\n"
        "for count in range(1000):\n"
        "    try: child = os.fork()\n"
        "    except BlockingIOError: print(count); break\n"
        "    if child == 0: time.sleep(60)\n",
        processes=20,
    )
    assert result.status is Status.OK
    assert 10 < int(result.stdout) < 20


def test_2_two_endless_fork_bombs_at_once_are_both_over_in_time(attack):
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda code: attack(code, wall_s=2), [bomb, bomb]))
    assert {result.status for result in results} <= {Status.TIMEOUT, Status.OUT_OF_MEMORY}


def test_3_a_program_has_no_powers(attack):
    result = attack("print(open('/proc/self/status').read())")
    values = dict(line.split(":\t") for line in result.stdout.splitlines() if line)
    assert {int(values[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")


def test_4_every_writable_place_has_a_bound_and_the_others_are_closed(attack):
    result = attack(
        "for place in ('/box', '/tmp', '/dev/shm', '/dev', '/', '/usr', '/etc'):\n"
        "    written = 0\n"
        "    try:\n"
        "        for number in range(200):\n"
        "            with open(f'{place}/{number}', 'wb') as file: written += file.write(bytes(2**20))\n"
        "    except OSError as error: print(place, written >> 20, error.errno)\n",
        disk_mb=8,
    )
    full, read_only = 28, 30
    assert result.stdout.splitlines() == [
        f"/box 8 {full}",
        f"/tmp 8 {full}",
        f"/dev/shm 1 {full}",
        *(f"{place} 0 {read_only}" for place in ("/dev", "/", "/usr")),
        f"/etc 0 {read_only}",
    ]


def test_5_only_local_and_internet_sockets_can_be_made_and_those_reach_nothing(attack):
    listener = socket.create_server(("127.0.0.1", 0))
    abstract = socket.socket(1)
    abstract.bind("\0" + uuid4().hex)
    with listener, abstract:
        result = attack(
            "import socket\n"
            "for family in range(46):\n"
            "    for kind in (1, 2, 3, 5):\n"
            "        try: socket.socket(family, kind).close(); print('family', family)\n"
            "        except OSError: pass\n"
            f"for address in (('127.0.0.1', {listener.getsockname()[1]}), ('192.0.2.1', 80)):\n"
            "    try: socket.create_connection(address, 1); print('reached', address)\n"
            "    except OSError as error: print(error.errno)\n"
            f"try: socket.socket(1).connect({abstract.getsockname()!r}); print('reached')\n"
            "except OSError as error: print(error.errno)\n"
        )
    lines = result.stdout.splitlines()
    assert {line for line in lines if "family" in line} == {"family 1", "family 2", "family 10"}
    refused, unreachable = "111", "101"
    assert lines[-3:] == [refused, unreachable, refused]


def test_6_the_program_is_not_the_first_process_so_its_signals_count(attack):
    result = attack("import os\nprint(os.getpid() > 1, flush=True)\nos.kill(os.getpid(), 15)")
    assert (result.status, result.signal, result.stdout) == (Status.SIGNAL, 15, "True\n")


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(2**30)",
        "import mmap; x = mmap.mmap(-1, 2**30)",
        "x = []\nwhile True: x.append(bytearray(2**20))",
        "import os, mmap; f = os.memfd_create('x')",
    ],
)
def test_7_a_process_cannot_take_more_memory_than_its_limit_nor_hide_it_in_a_memory_file(attack, code):
    result = attack(code)
    assert result.status in {Status.OUT_OF_MEMORY, Status.ERROR}
    assert re.search("MemoryError|Cannot allocate memory|not permitted", result.stderr)
    assert result.peak_rss_bytes < 600 * 2**20


@pytest.mark.parametrize("kind", ["private", "shared"])
def test_8_children_together_cannot_use_more_memory_than_the_tree_may(attack, kind):
    block = {"private": "bytearray(100 * 2**20)", "shared": "mmap.mmap(-1, 100 * 2**20)"}[kind]
    result = attack(
        "import mmap, os, time\n"
        "for number in range(8):\n"
        "    if os.fork() == 0:\n"
        f"        block = {block}\n"
        "        for place in range(0, len(block), 4096): block[place] = 1\n"
        "        time.sleep(60)\n"
        "time.sleep(60)",
        memory_mb=256,
    )
    assert result.status is Status.OUT_OF_MEMORY
    assert result.peak_rss_bytes < 700 * 2**20


def test_8_shared_pages_count_once():
    result = sandbox.run(
        "import os, time\n"
        "block = b'1' * (60 * 2**20)\n"
        "children = []\n"
        "for number in range(6):\n"
        "    child = os.fork()\n"
        "    if child == 0: time.sleep(0.5); os._exit(0)\n"
        "    children.append(child)\n"
        "for child in children: os.waitpid(child, 0)",
        limits=Limits(memory_mb=150),
    )
    assert result.status is Status.OK
    assert result.peak_rss_bytes > 180 * 2**20


def test_9_a_launcher_that_is_killed_is_our_failure_and_not_the_programs():
    token = uuid4().hex[:12]
    program = NAMED.format(token=token) + "import time; time.sleep(20)"
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(sandbox.run, program)
        until_there(token)
        launchers = [child for child in children() if (Path("/proc") / child / "comm").read_text() == "bwrap\n"]
        assert len(launchers) == 1
        os.kill(int(launchers[0]), 9)
        result = future.result(timeout=20)
    assert result.status is Status.SANDBOX_ERROR
    assert result.stderr.startswith("the sandbox failed")
    assert not survivors(token)


def test_9_a_killed_worker_leaves_no_program_running(public_copy):
    token = uuid4().hex[:12]
    job = {"code": NAMED.format(token=token) + "import time; time.sleep(60)", "limits": {"wall_s": 60}}
    worker = subprocess.Popen([sys.executable, "-B", "-c", DRIVER], cwd=public_copy, stdin=subprocess.PIPE)
    worker.stdin.write(json.dumps(job).encode())
    worker.stdin.close()
    until_there(token)
    worker.kill()
    worker.wait()
    until_gone(token)


def test_9_a_program_outlives_the_thread_that_started_it():
    job = make_job(
        "import time; time.sleep(0.5); print('end')",
        LANGUAGES["python"],
        "",
        stdin=b"",
        files=(),
        limits=Limits(),
    )
    with ExitStack() as stack:
        with ThreadPoolExecutor(1) as pool:
            launched = pool.submit(lambda: stack.enter_context(bubblewrap.launched(job))).result()
        watch = supervise(launched, job.limits)
    assert (watch.exit_code, watch.stdout.text()) == (0, "end\n")
