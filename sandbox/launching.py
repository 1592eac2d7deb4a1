"""Starts a program for a backend: memory files instead of files on the host, and a warden that leaves nothing of it."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Any

from .warden import __file__ as warden_script
from .warden import receive

# The launcher's own environment can be read inside, in /proc/1/environ, whatever is cleared later.
LAUNCHER_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL

# Nobody's user ids: the range systemd keeps for services without an account. Each launch as root takes another.
FREE_USER_IDS = range(61_184, 65_520)

ANSWER_S = 30.0  # how long a warden may take to start itself or a program
STREAMS = 3

# One per process: a forked child inherits the record of its parent's, but it is not watched over by it.
_wardens: dict[int, "Warden"] = {}
_choosing: dict[int, Lock] = {}
_launch_numbers = count()


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The file descriptors a launched program inherits besides its three streams."""

    files: tuple[int, ...]
    filter: int
    status: int
    phase: int


@dataclass(frozen=True, slots=True)
class Launched:
    """A started launcher and our ends of its pipes. `tether` ends when nothing is left of all that was started."""

    process: int
    handle: int
    tether: socket.socket
    stdout: int
    stderr: int
    status: int
    phase: int


@dataclass(frozen=True, slots=True)
class Warden:
    """The process that starts all launchers of this one, and ends what is left of them when this one is gone."""

    process: subprocess.Popen[bytes]
    control: socket.socket


@contextmanager
def launch(
    arguments: Callable[[Descriptors], list[str]],
    *,
    files: list[bytes],
    stdin: bytes,
    filter_program: bytes,
    owner: int,
    environment: Mapping[str, str] = LAUNCHER_ENVIRONMENT,
    ending: signal.Signals = signal.SIGKILL,
    kept: bool = True,
) -> Iterator[Launched]:
    """Start what `arguments` makes of the descriptors; the pipes are closed at the end, the process is the caller's.

    `ending` is the signal at which the launcher ends everything; `kept` is False only in tests (walls.py).
    """
    ours: list[int] = []
    theirs: list[int] = []
    try:
        stdin_file = _keep(theirs, _memory_file("stdin", stdin))
        file_descriptors = tuple(_keep(theirs, _memory_file("file", content)) for content in files)
        filter_file = _keep(theirs, _memory_file("filter", filter_program))
        stdout, stderr, status, phase = (_pipe(ours, theirs, owner) for _ in range(4))
        inherited = (*file_descriptors, filter_file, status, phase)
        numbers = range(STREAMS, STREAMS + len(inherited))
        descriptors = Descriptors(tuple(numbers[:-3]), *numbers[-3:])
        order = {
            "command": arguments(descriptors),
            "environment": dict(environment),
            "ending": ending,
            "kept": kept,
        }
        with _started(order, (stdin_file, stdout, stderr, *inherited)) as (process, handle, tether):
            _close(theirs)
            yield Launched(process, handle, tether, *ours)
    finally:
        _close(theirs)
        _close(ours)


def next_user_id() -> int:
    """A user id of its own for each launch as root, so that programs count apart on old kernels too."""
    return FREE_USER_IDS[(os.getpid() * 31 + next(_launch_numbers)) % len(FREE_USER_IDS)]


@contextmanager
def _started(order: dict[str, Any], descriptors: tuple[int, ...]) -> Iterator[tuple[int, int, socket.socket]]:
    """(its number, a handle of it, its tether): what the warden says of a launcher that it starts for us."""
    tether, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with tether:
        with far_end:
            socket.send_fds(_warden().control, [json.dumps(order).encode()], [far_end.fileno(), *descriptors])
        tether.settimeout(ANSWER_S)
        text, handles = receive(tether)
        if not text:
            raise ConnectionAbortedError("the warden of this process ended while it was to start a program")
        answer = json.loads(text)
        if not handles:
            raise OSError(answer["errno"], os.strerror(answer["errno"]), answer["of"])
        try:
            yield answer["process"], handles[0], tether
        finally:
            os.close(handles[0])


def warden_process() -> int:
    """The process that is the parent of every launcher of this one."""
    return _warden().process.pid


def _warden() -> Warden:
    # setdefault is one step, so two first callers wait for the same lock.
    with _choosing.setdefault(os.getpid(), Lock()):
        warden = _wardens.get(os.getpid())
        if warden is None or warden.process.poll() is not None:
            warden = _wardens[os.getpid()] = _start_warden()
        return warden


def _start_warden() -> Warden:
    control, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with far_end:
        words = [sys.executable, "-I", "-S", "-B", warden_script, str(os.getpid()), str(far_end.fileno())]
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(far_end.fileno(),),
            env=LAUNCHER_ENVIRONMENT,
            cwd="/",
            # What is sent to the group of the worker must not reach who clears away after it.
            start_new_session=True,
        )
    return Warden(process, control)


def _memory_file(name: str, content: bytes) -> int:
    """A file without a place on the host, sealed so that the program cannot change or grow it."""
    descriptor = os.memfd_create(f"sandbox-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return descriptor


def _pipe(ours: list[int], theirs: list[int], owner: int) -> int:
    read_end, write_end = os.pipe()
    _keep(ours, read_end)
    _keep(theirs, write_end)
    os.set_blocking(read_end, False)
    if owner != os.geteuid():
        # Otherwise the program may write to its streams but not open /dev/stderr.
        os.fchown(write_end, owner, owner)
    return write_end


def _keep(descriptors: list[int], descriptor: int) -> int:
    descriptors.append(descriptor)
    return descriptor


def _close(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
