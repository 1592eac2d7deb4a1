"""Attacks on the sandbox, each as the user of the tests and, when that is root, as an ordinary user too."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

import sandbox
from sandbox import Limits, RunResult, Status, bubblewrap
from sandbox.jobs import make_job
from sandbox.languages import LANGUAGES
from sandbox.supervising import supervise

pytestmark = pytest.mark.needs("bubblewrap")
ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
WALL_S = 2.0

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


# The facts found by experiment, in the order of docs/sandbox.md.


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
        results = list(pool.map(attack, [bomb, bomb]))
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
        wall_s=10,
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


# More attacks.


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import signal, time\n"
        "for number in set(signal.Signals) - {9, 19}: signal.signal(number, signal.SIG_IGN)\n"
        "while True: time.sleep(1)",
        "import os, time\nos.close(0); os.close(1); os.close(2)\ntime.sleep(60)",
        "import os, time\nif os.fork(): time.sleep(60)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(60)",
    ],
    ids=["loop", "ignored signals", "closed streams", "daemon"],
)
def test_a_program_without_end_is_over_at_its_time(attack, code):
    result = attack(code)
    assert result.status is Status.TIMEOUT
    assert result.wall_s >= WALL_S


@pytest.mark.parametrize("closing", ["", "os.close(1); os.close(2)"], ids=["pipe held", "pipe closed"])
def test_a_daemon_does_not_outlive_the_program(attack, closing):
    result = attack(
        "import os, time\n"
        "if os.fork() == 0:\n"
        f"    os.setsid(); {closing}\n"
        "    if os.fork() == 0: time.sleep(60)\n"
        "    os._exit(0)\n"
        "time.sleep(0.2); print('end')"
    )
    assert (result.status, result.stdout) == (Status.OK, "end\n")
    assert result.wall_s < 1.5


def test_many_empty_files_are_counted_as_memory(attack):
    result = attack("number = 0\nwhile True:\n    number += 1\n    open(f'/tmp/{number}', 'w').close()")
    assert result.status is Status.OUT_OF_MEMORY


def test_a_single_file_has_a_bound(attack):
    result = attack("open('x', 'wb').write(bytes(3 * 2**20))", file_mb=2)
    assert "File too large" in result.stderr


def test_host_files_cannot_be_read_or_reached(attack, public_copy):
    secret = public_copy / ".env"
    secret.write_text("the secret in a file")
    paths = ["/etc/shadow", "/etc/passwd", "/root", "/home", str(secret)]
    result = attack(
        "import os\n"
        f"for path in {paths!r}:\n"
        "    for name in (path, '/proc/1/root' + path, '/proc/self/cwd/..' + path, '/usr/../' + path):\n"
        "        try: print('read', open(name).read())\n"
        "        except OSError: pass\n"
        "        try: print('listed', os.listdir(name))\n"
        "        except OSError: pass\n"
        f"os.symlink({str(secret)!r}, 'link')\n"
        "print(os.path.exists('link'), sorted(os.listdir('/')))\n"
        "try: os.link('/usr/bin/passwd', 'hard'); print('linked')\n"
        "except OSError: pass\n"
    )
    assert result.stdout == "False ['bin', 'box', 'dev', 'etc', 'lib', 'lib64', 'proc', 'tmp', 'usr']\n"


def test_the_host_is_not_changed(attack, public_copy):
    before = sorted(path.name for path in public_copy.iterdir())
    target = str(public_copy / "left_behind")
    result = attack(
        f"for name in ({target!r}, '/tmp/left_behind', '/usr/left_behind', '/proc/1/root/usr/left_behind'):\n"
        "    try: open(name, 'w').write('x'); print('wrote', name)\n"
        "    except OSError: pass\n"
        "try: open('/proc/sys/kernel/hostname', 'w').write('x'); print('wrote')\n"
        "except OSError: pass\n"
    )
    assert result.stdout == "wrote /tmp/left_behind\n"
    assert sorted(path.name for path in public_copy.iterdir()) == before
    assert not Path("/tmp/left_behind").exists()
    assert not Path("/usr/left_behind").exists()


def test_no_process_but_its_own_can_be_seen_or_signalled(attack):
    result = attack(
        "import os\n"
        "print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()) == [1, os.getpid()])\n"
        "for number in range(2, 5000):\n"
        "    if number == os.getpid(): continue\n"
        "    try: os.kill(number, 0); print('seen', number)\n"
        "    except ProcessLookupError: pass\n"
        "try: os.kill(1, 9)\n"
        "except OSError as error: print(error)\n"
        "print('end')"
    )
    assert result.stdout == "True\nend\n"


def test_setuid_programs_give_nothing_and_device_nodes_cannot_be_made(attack):
    result = attack(
        "import os, subprocess\n"
        "print(subprocess.run(['su', '-c', 'id'], input=b'', stderr=subprocess.DEVNULL).returncode != 0)\n"
        "for name in ('/box/sda', '/tmp/sda'):\n"
        "    try: os.mknod(name, 0o60666, os.makedev(254, 0)); print('made')\n"
        "    except OSError: pass\n"
        "for number in (0, 1001, 65534):\n"
        "    try: os.setuid(number); print('became', number)\n"
        "    except OSError: pass\n"
    )
    assert result.stdout == "True\n"


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
