"""Attacks that take more than they may: processes, memory, time, output, disks. Raised limits are the fallen wall."""

import platform

from sandbox import Status
from sandbox.seccomp import refused_numbers
from tests.attack import CALLING, Attack, leaves_something, runs_to_its_end

STOPPED = frozenset({Status.OUT_OF_MEMORY, Status.ERROR})
CUT_OFF = frozenset({Status.TIMEOUT})

FORKS = """
import os, time
for count in range(40 if bounded else 1000):
    try: child = os.fork()
    except BlockingIOError: break
    if child == 0: time.sleep(2 if bounded else 60); os._exit(0)
if count >= 39: print('BREACH')
"""
TOUCHED = """
import mmap, time
for place in range(0, len(block), 4096): block[place] = 1
time.sleep(0.2)
print('BREACH')
"""
CHILDREN = """
import mmap, os, time
children = []
for number in range(8):
    child = os.fork()
    if child == 0:
        block = {block}
        for place in range(0, len(block), 4096): block[place] = 1
        time.sleep(0.3 if bounded else 60)
        os._exit(0)
    children.append(child)
print('BREACH' if [os.waitpid(child, 0)[1] for child in children] == [0] * 8 else 'a child failed')
"""
ENDED_THREADS = """
import ctypes, os, platform, threading, time
def hold():
    time.sleep(0.1)
    block = bytearray(30 * 2**20)
    for place in range(0, len(block), 4096): block[place] = 1
    time.sleep(0.3 if bounded else 60)
    os._exit(0)
children = []
for number in range(8):
    child = os.fork()
    if child == 0:
        threading.Thread(target=hold).start()
        ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)
    children.append(child)
print('BREACH' if [os.waitpid(child, 0)[1] for child in children] == [0] * 8 else 'a child failed')
"""
SOCKETS = """
import os, socket, time
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        pairs = [socket.socketpair() for _ in range(40)]
        time.sleep(0.3 if bounded else 60)
        os._exit(0)
    children.append(child)
print('BREACH' if [os.waitpid(child, 0)[1] for child in children] == [0] * 3 else 'a child failed')
"""
MEMORY_FILES = f"""{CALLING}
for number in range(8):
    try:
        memory_file = call({refused_numbers(platform.machine())["memfd_create"]}, b'hidden', 0)
        os.write(memory_file, bytes(12 * 2**20))
    except OSError as why: print(why); break
else:
    print('BREACH')
"""
LASTING = "\nimport time\nend = time.monotonic() + (0.8 if bounded else 60)\n"
FLOOD = """
import os
written = 0
while not bounded or written < 10 * 2**20: written += os.write({stream}, b'x' * 65536)
"""
# The box and the temporary folder have other names where they are folders of the host.
FILLING = """
import os
place, written = {place}, 0
try:
    for number in range(6 if bounded else 200):
        with open(f'{{place}}/{{number}}', 'wb') as file: written += file.write(bytes(2**20))
except OSError as why: print(why)
if written > {most} * 2**20: print('BREACH')
"""
EMPTY_FILES = """
import os, time
for number in range(2000):
    open(f'{os.environ["TMPDIR"]}/{number}', 'w').close()
    if number % 100 == 0: time.sleep(0.01)
time.sleep(0.2 if bounded else 5)
print('BREACH')
"""
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid(); {closing}
    if os.fork() == 0: time.sleep(1.5 if bounded else 60)
    os._exit(0)
{then}
"""
CLOSING = "os.close(1); os.close(2)"


def filling(place: str, most_mb: int, **how) -> Attack:
    statuses = frozenset({Status.OK, Status.OUT_OF_MEMORY})
    return Attack(FILLING.format(place=place, most=most_mb), limits={"disk_mb": 4}, statuses=statuses, **how)


ATTACKS = {
    "fork bomb": Attack(FORKS, limits={"processes": 20}, raised={"processes": 60}),
    "private memory": Attack(
        "block = bytearray(100 * 2**20)" + TOUCHED,
        limits={"memory_mb": 64},
        raised={"memory_mb": 256},
        statuses=STOPPED,
    ),
    "shared memory": Attack(
        "import mmap\nblock = mmap.mmap(-1, 100 * 2**20)" + TOUCHED,
        limits={"memory_mb": 64},
        raised={"memory_mb": 256},
        statuses=STOPPED,
    ),
    "memory of memory files": Attack(MEMORY_FILES, ("filter",), limits={"memory_mb": 64}),
    "memory of eight children": Attack(
        CHILDREN.format(block="bytearray(30 * 2**20)"),
        limits={"memory_mb": 128},
        raised={"memory_mb": 128, "tree_memory_factor": 4},
        statuses=STOPPED,
    ),
    "shared memory of eight children": Attack(
        CHILDREN.format(block="mmap.mmap(-1, 30 * 2**20)"),
        limits={"memory_mb": 128},
        raised={"memory_mb": 128, "tree_memory_factor": 4},
        statuses=STOPPED,
    ),
    "memory of eight children whose first thread has ended": Attack(
        ENDED_THREADS,
        limits={"memory_mb": 128},
        raised={"memory_mb": 128, "tree_memory_factor": 4},
        statuses=STOPPED,
    ),
    "memory in sockets": Attack(SOCKETS, ("own_network",), statuses=STOPPED),
    "endless loop": Attack(
        LASTING + "while time.monotonic() < end: pass",
        limits={"wall_s": 0.4},
        raised={"wall_s": 10},
        statuses=CUT_OFF,
        breach=runs_to_its_end,
    ),
    "endless loop in CPU time": Attack(
        "import time\nwhile not bounded or time.process_time() < 1.2: pass",
        limits={"cpu_s": 1},
        raised={"cpu_s": 10},
        statuses=CUT_OFF,
        breach=runs_to_its_end,
    ),
    "all signals ignored": Attack(
        "import signal\nfor number in set(signal.Signals) - {9, 19}: signal.signal(number, signal.SIG_IGN)"
        + LASTING
        + "while time.monotonic() < end: time.sleep(0.1)",
        limits={"wall_s": 0.4},
        raised={"wall_s": 10},
        statuses=CUT_OFF,
        breach=runs_to_its_end,
    ),
    "streams closed, then asleep": Attack(
        "import os\nfor stream in (0, 1, 2): os.close(stream)" + LASTING + "time.sleep(end - time.monotonic())",
        limits={"wall_s": 0.4},
        raised={"wall_s": 10},
        statuses=CUT_OFF,
        breach=runs_to_its_end,
    ),
    "flood of output": Attack(
        FLOOD.format(stream=1),
        raised={"kill_bytes": 2**25},
        statuses=frozenset({Status.OUTPUT_LIMIT}),
        breach=runs_to_its_end,
    ),
    "flood of errors": Attack(
        FLOOD.format(stream=2),
        raised={"kill_bytes": 2**25},
        statuses=frozenset({Status.OUTPUT_LIMIT}),
        breach=runs_to_its_end,
    ),
    "filling /box": filling("os.environ['HOME']", 4, without=("bounded_disks",)),
    "filling /tmp": filling("os.environ['TMPDIR']", 4, without=("bounded_disks",)),
    "filling /dev/shm": filling("'/dev/shm'", 1, without=("bounded_disks",)),
    "filling /dev": filling("'/dev'", 0, without=("closed_disks",)),
    "filling /": filling("''", 0, without=("closed_disks",)),
    "filling one file": Attack(
        "try: open('x', 'wb').write(bytes(3 * 2**20)); print('BREACH')\nexcept OSError as why: print(why)",
        limits={"file_mb": 2},
        raised={"file_mb": 16},
    ),
    "many empty files": Attack(
        EMPTY_FILES, limits={"entries": 500}, raised={"entries": 20_000}, statuses=frozenset({Status.OUT_OF_MEMORY})
    ),
    "many open files": Attack(
        "files = []\ntry:\n    while len(files) < 300: files.append(open('/dev/null'))\n"
        "except OSError as why: print(why)\nelse: print('BREACH')",
        raised={"open_files": 512},
    ),
    "a daemon that outlives the program": Attack(
        DAEMON.format(closing=CLOSING, then="time.sleep(0.2)"), ("own_processes", "kept"), breach=leaves_something
    ),
    "a daemon that outlives the time": Attack(
        DAEMON.format(closing=CLOSING, then="time.sleep(60)"),
        ("own_processes", "kept"),
        limits={"wall_s": 0.7},
        statuses=CUT_OFF,
        breach=leaves_something,
    ),
    "a pipe held by an orphan": Attack(
        DAEMON.format(closing="", then="time.sleep(0.2)"), ("own_processes", "kept"), breach=leaves_something
    ),
}
