"""The nine facts, numbered as in docs/sandbox.md: the wall that each asks for holds, and what happens without it."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import os
import platform
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

import sandbox
from sandbox import Limits, Status, bubblewrap, commands, walls
from sandbox.jobs import make_job
from sandbox.judging import judged
from sandbox.languages import LANGUAGES
from sandbox.launching import Descriptors, warden_process
from sandbox.seccomp import refused_numbers
from sandbox.supervising import supervise
from tests.attack import CALLING
from tests.sandbox_attack import (  # noqa: F401
    LATE_S,
    NAMED,
    any_worker,
    attack,
    public_copy,
    survivors,
    until_there,
    worker,
)

pytestmark = pytest.mark.needs("bubblewrap")
ENVIRONMENTS = "import glob\nfor name in glob.glob('/proc/[0-9]*/environ'): print(open(name, 'rb').read())\n"
FORKING = """
import os, time
for count in range(60):
    try: child = os.fork()
    except BlockingIOError: break
    if child == 0: time.sleep(1); os._exit(0)
print(count)
"""
POWERS = "print(open('/proc/self/status').read())"
SOCKETS = """
import socket
for family in range(46):
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind).close(); print(family)
        except OSError: pass
"""
PLACES = """
for place in ('/dev', '/', '/usr', '/etc'):
    try: open(f'{place}/x', 'w'); print(place)
    except OSError: pass
"""
HIDING = f"""{CALLING}
for count in range(8):
    os.write(call({refused_numbers(platform.machine())["memfd_create"]}, b'hidden', 0), bytes(12 * 2**20))
print('96 MiB')
"""
CHILDREN = """
import mmap, os, time
for number in range(4):
    if os.fork() == 0:
        block = {block}
        for place in range(0, len(block), 4096): block[place] = 1
        time.sleep(0.6); os._exit(0)
for number in range(4): os.wait()
"""
BLOCKS = {"private": "bytearray(100 * 2**20)", "shared": "mmap.mmap(-1, 100 * 2**20)"}


def a_job(code, language=None, **limits):
    language = language or LANGUAGES["python"]
    return make_job(code, language, "", stdin=b"", files=(), limits=Limits(**limits))


def without(worker, code, *names, **limits):
    """What a program printed where these walls were away."""
    return worker.run(code, bounded=True, without=names, limits=limits)[0]


def as_root_only(worker):
    if not worker.as_root:
        pytest.skip("this fact is about root")


def test_only_a_test_takes_a_wall_away():
    """No module but the two that make the walls knows of standing ones, so no caller or setting reaches them."""
    package = Path(sandbox.__file__).parent
    knowing = {file.name for file in package.glob("*.py") if re.search(r"standing|ALL_WALLS|Wall\.", file.read_text())}
    assert knowing == {"bubblewrap.py", "walls.py"}
    assert bubblewrap.start.__defaults__ == (walls.DEFAULT_VARIATION, walls.ALL_WALLS)


def test_1_the_launchers_environment_cannot_be_read_inside(attack):
    result = attack(f"{ENVIRONMENTS}\nimport os; print(dict(os.environ))")
    assert result.status is Status.OK
    assert "PATH=/usr/bin" in result.stdout
    assert "SECRET" not in result.stdout


def test_1_violated_clearing_the_environment_of_the_program_hides_nothing(worker):
    code = f"{ENVIRONMENTS}\nimport os; print('SECRET' in os.environ)"
    result = without(worker, code, "clean_launcher", "hidden_reaper")
    assert "SECRET=the secret" in result.stdout
    assert result.stdout.endswith("False\n")


def test_2_a_fork_bomb_meets_the_limit_on_processes(attack):
    result = attack(FORKING, processes=20)
    assert 10 < int(result.stdout) < 20


def test_2_two_endless_fork_bombs_at_once_are_both_over_in_time(any_worker):
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    # Two workers would be two fixtures: one worker for the one, this process for the other.
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(sandbox.run, bomb, limits=Limits(wall_s=1))
        result, elapsed_s, left = any_worker.run(bomb, limits={"wall_s": 1})
    assert {result.status, other.result().status} <= {Status.TIMEOUT, Status.OUT_OF_MEMORY}
    assert elapsed_s < 1 + LATE_S and not left


def test_2_violated_root_forks_past_the_limit(worker):
    as_root_only(worker)
    assert without(worker, FORKING, "other_user", processes=20).stdout == "59\n"


def test_3_a_program_has_no_powers(attack):
    values = read_status(attack(POWERS).stdout)
    assert {int(values[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")


def test_3_violated_root_keeps_every_power_without_a_user_namespace(worker):
    as_root_only(worker)
    ours = read_status(Path("/proc/self/status").read_text())["CapEff"]
    assert read_status(without(worker, POWERS, "other_user", "user_namespace").stdout)["CapEff"] == ours


def read_status(text):
    return dict(line.split(":\t") for line in text.splitlines() if ":\t" in line)


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


def test_4_violated_the_root_and_dev_are_disks_without_a_bound(worker):
    assert without(worker, PLACES, "closed_disks").stdout == "/dev\n/\n/etc\n"
    sizes = "import os\nprint([os.statvfs(place).f_blocks > 2**16 for place in ('/box', '/tmp', '/dev/shm')])"
    assert without(worker, sizes, disk_mb=8).stdout == "[False, False, False]\n"
    assert without(worker, sizes, "bounded_disks", disk_mb=8).stdout == "[True, True, True]\n"


def test_5_only_local_and_internet_sockets_can_be_made(attack):
    assert set(attack(SOCKETS).stdout.split()) == {"1", "2", "10"}


def test_5_violated_a_network_namespace_leaves_other_families_open(worker):
    assert {"1", "2", "10", "16"} < set(without(worker, SOCKETS, "filter").stdout.split())


def test_6_the_program_is_not_the_first_process_so_its_signals_count(attack):
    result = attack("import os\nprint(os.getpid() > 1, flush=True)\nos.kill(os.getpid(), 15)")
    assert (result.status, result.signal, result.stdout) == (Status.SIGNAL, 15, "True\n")


def test_6_violated_the_first_process_outlives_its_own_signals(worker):
    result = without(worker, "import os\nos.kill(os.getpid(), 15)\nprint('still here as', os.getpid())", "reaper")
    assert (result.status, result.stdout) == (Status.OK, "still here as 1\n")


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


@pytest.mark.parametrize("name", ["javascript", "java"])
def test_7_violated_runtimes_that_reserve_addresses_break_under_a_limit_on_addresses(name):
    if not sandbox.runtime(name):
        pytest.skip(f"no {name} here")
    code = {"javascript": "console.log(1)", "java": "class A { public static void main(String[] a) { } }"}[name]
    for memory_limit, works in (("data", True), ("address_space", False)):
        job = a_job(code, replace(LANGUAGES[name], memory_limit=memory_limit, memory_mb=512))
        assert (judged(bubblewrap.start(job), job, "").status is Status.OK) is works


def test_7_violated_a_memory_file_is_counted_nowhere(worker):
    result = without(worker, HIDING, "filter", memory_mb=64)
    assert (result.status, result.stdout) == (Status.OK, "96 MiB\n")
    assert result.peak_rss_bytes < 64 * 2**20


@pytest.mark.parametrize("kind", BLOCKS)
def test_8_children_together_cannot_use_more_memory_than_the_tree_may(attack, kind):
    result = attack(CHILDREN.replace("{block}", BLOCKS[kind]), memory_mb=200)
    assert result.status is Status.OUT_OF_MEMORY
    assert result.peak_rss_bytes < 700 * 2**20


@pytest.mark.parametrize("kind", BLOCKS)
def test_8_violated_each_child_keeps_its_limit_and_together_they_have_more(worker, kind):
    code = CHILDREN.replace("{block}", BLOCKS[kind])
    result, *_ = worker.run(code, limits={"memory_mb": 200, "tree_memory_factor": 4})
    assert result.status is Status.OK
    assert result.peak_rss_bytes > 200 * 1.2 * 2**20


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
        (launcher,) = Path(f"/proc/{warden_process()}/task/{warden_process()}/children").read_text().split()
        os.kill(int(launcher), 9)
        result = future.result(timeout=20)
    assert result.status is Status.SANDBOX_ERROR
    assert result.stderr.startswith("the sandbox failed")
    assert not survivors(token)


def test_9_a_program_outlives_the_thread_that_started_it():
    token = uuid4().hex[:12]
    job = a_job(NAMED.format(token=token) + "import time; time.sleep(1.5); print('end')")
    with ExitStack() as stack:
        with ThreadPoolExecutor(1) as pool:
            launched = pool.submit(lambda: stack.enter_context(bubblewrap.launched(job))).result()
            until_there(token)
        watch = supervise(launched, job.limits)
    assert (watch.exit_code, watch.stdout.text()) == (0, "end\n")


def test_9_violated_a_launcher_started_by_a_passing_thread_dies_with_it():
    no_files = replace(a_job(""), files=())
    words = walls.arguments(no_files, walls.DEFAULT_VARIATION, walls.ALL_WALLS, Descriptors((), 0, 1, 2))
    mounted = words[: words.index("--seccomp")]
    command = [*(commands.as_other_user(61_184) if os.geteuid() == 0 else ()), *mounted, "--", "sleep", "20"]
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(subprocess.Popen, command, stderr=subprocess.DEVNULL).result()
        time.sleep(0.3)
        assert started.poll() is None
    assert started.wait(timeout=10) == -9
