"""The watchdog counts what a program keeps out of sight, and nothing twice."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import signal

import pytest

import sandbox
from sandbox import Limits, Status, bubblewrap
from sandbox.capture import Capture
from sandbox.jobs import make_job
from sandbox.judging import judged
from sandbox.languages import LANGUAGES
from sandbox.supervising import Watch, overfull, supervise
from tests.sandbox_attack import any_worker, attack, public_copy, worker  # noqa: F401

pytestmark = pytest.mark.needs("bubblewrap")
# Mapped for reading only it is no data, and of what is never written nothing is resident: 160 MiB of page tables.
TABLES = """
import mmap, time
maps = [mmap.mmap(-1, 2**34, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, mmap.PROT_READ) for _ in range(5)]
print(sum(one[place] for one in maps for place in range(0, 2**34, 2**21)), flush=True)
time.sleep(0.3)
print('held')
"""
# Node runs under a limit on data, and so does what it starts.
IN_TABLES = f"process.stdout.write(require('child_process').execFileSync('python3', ['-I', '-c', `{TABLES}`]))"
# What is about to become another program runs in the memory of the first, for as long as it looks for that program.
STARTING = """
import os, subprocess
block = bytearray(120 * 2**20)
for place in range(0, len(block), 4096): block[place] = 1
os.environ['PATH'] = ':'.join(['/nowhere'] * 200_000)
try: subprocess.run(['nothing'])
except OSError: print('looked for it')
"""
SIZES = """
import socket
for one in (socket.socket(socket.AF_UNIX), socket.socket(), socket.socket(type=socket.SOCK_DGRAM)):
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        before = one.getsockopt(socket.SOL_SOCKET, option)
        one.setsockopt(socket.SOL_SOCKET, option, before // 4)
        print(one.getsockopt(socket.SOL_SOCKET, option) == before)
"""


@pytest.fixture
def javascript():
    if not sandbox.runtime("javascript"):
        pytest.skip("no javascript here")


def test_page_tables_count_though_nothing_is_resident(javascript, attack):
    result = attack(IN_TABLES, "javascript", memory_mb=100)
    assert result.status is Status.OUT_OF_MEMORY, result


def test_with_a_higher_cap_they_are_held_and_seen(javascript, worker):
    limits = {"memory_mb": 100, "tree_memory_factor": 4}
    result, *_ = worker.run(IN_TABLES, language="javascript", limits=limits)
    assert (result.status, result.stdout) == (Status.OK, "0\nheld\n"), result
    assert result.peak_rss_bytes > 160 * 2**20


def test_a_program_that_starts_others_is_not_counted_twice(attack):
    result = attack(STARTING, memory_mb=200)
    assert (result.status, result.stdout) == (Status.OK, "looked for it\n"), result
    assert result.peak_rss_bytes > 2 * 120 * 2**20  # it was seen while there were two


def test_a_socket_stays_as_large_as_the_kernel_makes_it(attack):
    assert attack(SIZES).stdout == "True\n" * 6


def test_without_the_filter_it_does_not(worker):
    result, *_ = worker.run(SIZES, without=["filter"])
    assert result.stdout == "False\n" * 6


def a_job(code):
    return make_job(code, LANGUAGES["python"], "", stdin=b"", files=(), limits=Limits())


def test_it_looks_many_times_a_second():
    """Every 40 ms; a third of that is enough here, where the machine may have other things to do."""
    job, looks = a_job("import time; time.sleep(1.5)"), []
    with bubblewrap.launched(job) as program:
        watch = supervise(program, job.limits, full=lambda root, limits: looks.append(root) or "")
    assert watch.exit_code == 0
    assert len(looks) > 15


def test_a_sandbox_that_never_stands_is_our_failure_and_not_the_programs_time_out():
    """The supervisor cuts off a launcher that hangs, as it does a program; only the phase tells the two apart."""
    job = a_job("print(1)")
    streams = (Capture(9), Capture(9))
    hung = Watch(job.limits, *streams, started=0.0, deadline=10.0, full=overfull, ending=signal.SIGKILL)
    hung.killed, hung.why = Status.TIMEOUT, "no end after 10 s"
    assert judged(hung, job, "").status is Status.SANDBOX_ERROR
    assert judged(hung, job, "").stderr == "the sandbox failed: no end after 10 s"
    hung.phase = "run"
    assert judged(hung, job, "").status is Status.TIMEOUT
