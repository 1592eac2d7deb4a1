"""Runs a harmless program and six quick attacks, and says of each whether the sandbox held."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .commands import ETC
from .probing import probe
from .results import Limits, RunResult, Status
from .running import run
from .walls import MADE_INSIDE

LIMITS = Limits(wall_s=1.5, memory_mb=128, processes=16, disk_mb=4)

FORK_BOMB = """
import os
while True:
    try: os.fork()
    except OSError: pass
"""
MEMORY = """
import os, time
for number in range(4):
    if os.fork() == 0:
        block = bytearray(100 * 2**20)
        for place in range(0, len(block), 4096): block[place] = 1
        time.sleep(60)
time.sleep(60)
"""
HOST_FILES = """
import os
for path in {paths}:
    try:
        print('reached', os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(1))
    except OSError:
        continue
"""
NETWORK = """
import socket
for address in (('192.0.2.1', 80), ('127.0.0.1', 22), ('127.0.0.1', 80)):
    try:
        socket.create_connection(address, 0.5)
        print('reached', address)
    except OSError:
        continue
for family in (16, 38, 40):
    try:
        socket.socket(family, socket.SOCK_DGRAM)
        print('family', family)
    except OSError:
        continue
"""
# Where files are counted and not held, the count comes a moment after what was written.
DISK = """
import os, time
for place in ('/usr', '/dev', '/'):
    try:
        open(place + '/x', 'w')
        print('wrote', place)
    except OSError:
        continue
try:
    for number in range(100):
        open(f'{os.environ["TMPDIR"]}/{number}', 'wb').write(bytes(2**20))
    time.sleep(1)
    print('no bound')
except OSError:
    pass
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One program, and how it must end: with one of these statuses and with nothing printed but this."""

    name: str
    code: str
    statuses: frozenset[Status]
    stdout: str = ""


def checks() -> tuple[Check, ...]:
    """A program and six attacks, made for the host as it is now."""
    host_files = HOST_FILES.format(paths=hidden_paths())
    return (
        Check("a program runs", "print(6 * 7)", frozenset({Status.OK}), "42\n"),
        Check("an endless loop ends", "while True: pass", frozenset({Status.TIMEOUT})),
        Check("a fork bomb ends", FORK_BOMB, frozenset({Status.TIMEOUT, Status.OUT_OF_MEMORY})),
        Check("children share one memory limit", MEMORY, frozenset({Status.OUT_OF_MEMORY})),
        Check("host files are out of reach", host_files, frozenset({Status.OK})),
        Check("the network is out of reach", NETWORK, frozenset({Status.OK})),
        Check("disks are bounded or closed", DISK, frozenset({Status.OK, Status.OUT_OF_MEMORY})),
    )


def hidden_paths(root: Path = Path("/")) -> list[str]:
    """All that stands at the host's root and in its settings and that no sandbox shows; the kernel's own views too."""
    top = (path for path in root.iterdir() if path.name not in MADE_INSIDE | {"etc"})
    settings = (path for path in (root / "etc").iterdir() if path.name not in ETC)
    # What leads into the programs leads to what is shown.
    hidden = [path for path in (*top, *settings) if not path.resolve().is_relative_to(root / "usr")]
    return [str(path) for path in (*sorted(hidden), root / "proc/kcore", root / "proc/1/root")]


def report() -> Iterable[tuple[bool, str]]:
    """Line by line: whether it is well, and the text."""
    found = probe()
    yield found.backend is not None, found.line
    if found.backend is None:
        return
    for check in checks():
        result = run(check.code, limits=LIMITS)
        yield held(check, result), line(check, result)


def held(check: Check, result: RunResult) -> bool:
    """Whether the program ended as it must."""
    return result.status in check.statuses and result.stdout == check.stdout


def line(check: Check, result: RunResult) -> str:
    """One row of the table; where it failed, with what the program said."""
    well = held(check, result)
    row = f"{'held' if well else 'FAILED':7} {check.name:34} {result.status:15} {result.wall_s:6.2f} s"
    return row if well else f"{row}  {(result.stdout + result.stderr)[-200:]!r}"
