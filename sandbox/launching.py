"""Starts a program for a backend: memory files instead of files on the host, and a thread that never ends."""

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

# The launcher's own environment can be read inside, in /proc/1/environ, whatever is cleared later.
LAUNCHER_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL

# Nobody's user ids: the range systemd keeps for services without an account. Each launch as root takes another.
FREE_USER_IDS = range(61_184, 65_520)

# One per process: a forked child inherits the record of its parent's pool, but not the thread.
_launching_threads: dict[int, ThreadPoolExecutor] = {}
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
    """A started launcher and our ends of its pipes."""

    process: subprocess.Popen[bytes]
    stdout: int
    stderr: int
    status: int
    phase: int


@contextmanager
def launch(
    arguments: Callable[[Descriptors], list[str]],
    *,
    files: list[bytes],
    stdin: bytes,
    filter_program: bytes,
    owner: int,
    environment: Mapping[str, str] = LAUNCHER_ENVIRONMENT,
) -> Iterator[Launched]:
    """Start what `arguments` makes of the descriptors; the pipes are closed at the end, the process is the caller's."""
    ours: list[int] = []
    theirs: list[int] = []
    try:
        stdin_file = _keep(theirs, _memory_file("stdin", stdin))
        file_descriptors = tuple(_keep(theirs, _memory_file("file", content)) for content in files)
        filter_file = _keep(theirs, _memory_file("filter", filter_program))
        stdout, stderr, status, phase = (_pipe(ours, theirs, owner) for _ in range(4))
        status = _keep(theirs, _unbroken(status))
        descriptors = Descriptors(file_descriptors, filter_file, status, phase)
        process = _start(
            arguments(descriptors),
            streams=(stdin_file, stdout, stderr),
            inherited=(*file_descriptors, filter_file, status, phase),
            environment=environment,
        )
        _close(theirs)
        yield Launched(process, *ours)
    finally:
        _close(theirs)
        _close(ours)


def next_user_id() -> int:
    """A user id of its own for each launch as root, so that programs count apart on old kernels too."""
    return FREE_USER_IDS[(os.getpid() * 31 + next(_launch_numbers)) % len(FREE_USER_IDS)]


def _start(
    arguments: list[str],
    *,
    streams: tuple[int, int, int],
    inherited: tuple[int, ...],
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """bubblewrap dies with the *thread* that started it, so no thread of a caller ever does."""
    stdin, stdout, stderr = streams

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=inherited,
            env=environment,
            cwd="/",
            umask=0o022,
            start_new_session=True,
        )

    return _launching_thread().submit(start).result()


def _launching_thread() -> ThreadPoolExecutor:
    # setdefault is one step, so two first callers get the same pool; an unused pool has no thread.
    return _launching_threads.setdefault(os.getpid(), ThreadPoolExecutor(1, thread_name_prefix="sandbox-launcher"))


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


def _unbroken(write_end: int) -> int:
    """The same pipe, held open for reading too: a launcher whose worker was killed just now must not break off half way
    on a broken pipe, for its other half would then wait for it without end. A moment later the phase pipe ends both."""
    return os.open(f"/proc/self/fd/{write_end}", os.O_RDWR)


def _keep(descriptors: list[int], descriptor: int) -> int:
    descriptors.append(descriptor)
    return descriptor


def _close(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
