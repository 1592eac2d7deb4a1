"""Watches one launched program: reads its streams, holds its limits, and leaves nothing of it behind."""

import json
import os
import select
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .capture import Capture
from .launching import Launched
from .processes import STAT_PARENT, Usage, read_stat
from .results import Limits, Phase, Status

WRITABLE_PLACES = ("box", "tmp", "dev/shm")
MOST_SOCKETS = 128  # of all processes together: what waits in one is kernel memory that no limit counts
READ_BYTES = 64 * 1024
SETUP_S = 10.0  # how long a sandbox may take to stand
CLOSING_S = 0.5  # how long pipes may stay open after the end
DYING_S = 20.0  # how long the kernel may take to end a killed tree
# Short programs are seen too: the first looks come early, then the steady one.
FIRST_SAMPLE_S = 0.004
SAMPLE_S = 0.04

# What a program has too much of beside memory, in words; empty while nothing is. It gets the first process.
Full = Callable[[int, Limits], str]


def disks_full(root: int, limits: Limits) -> str:
    """Files and folders in the writable places inside; each costs kernel memory even when empty."""
    count = 0
    for place in WRITABLE_PLACES:
        try:
            space = os.statvfs(Path("/proc", str(root), "root", place))
        except (FileNotFoundError, ProcessLookupError):
            return ""  # the sandbox is already gone
        count += space.f_files - space.f_ffree
    return f"more than {limits.entries} files and folders" if count > limits.entries else ""


def sockets_full(root: int, limits: Limits) -> str:
    """Sockets of a network that is the program's own, whether or not somebody holds them open."""
    try:
        words = Path(f"/proc/{root}/net/sockstat").read_text().split(maxsplit=3)
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return f"more than {MOST_SOCKETS} sockets" if int(words[2]) > MOST_SOCKETS else ""


def overfull(root: int, limits: Limits) -> str:
    """For a sandbox with disks and a network of its own."""
    return disks_full(root, limits) or sockets_full(root, limits)


@dataclass(slots=True)
class Watch:
    """What is known about a program while and after it runs."""

    limits: Limits
    stdout: Capture
    stderr: Capture
    started: float
    deadline: float
    full: Full
    ending: signal.Signals
    usage: Usage = field(default_factory=Usage)
    phase: Phase | None = None  # None until the sandbox stands and its limits are set
    exit_code: int | None = None  # as the sandbox reported it; None when it did not
    killed: Status | None = None
    why: str = ""
    root: int | None = None  # the first process inside
    root_handle: int | None = None
    status_text: bytearray = field(default_factory=bytearray)
    wall_s: float = 0.0


def supervise(
    launched: Launched,
    limits: Limits,
    abandoned: int | None = None,
    *,
    full: Full = overfull,
    ending: signal.Signals = signal.SIGKILL,
) -> Watch:
    """Stay with the program until it is over. Whatever happens, it is dead when this returns.

    `abandoned` is a descriptor that can be read from once nobody waits for the result any more.
    `ending` makes the launcher end everything: no signal is stronger where its death ends a namespace.
    """
    now = time.monotonic()
    stdout, stderr = Capture(limits.keep_bytes), Capture(limits.keep_bytes)
    watch = Watch(limits, stdout, stderr, started=now, deadline=now + SETUP_S, full=full, ending=ending)
    try:
        with selectors.DefaultSelector() as selector:
            _register(selector, launched, watch)
            selector.register(launched.handle, selectors.EVENT_READ, None)
            with _until_abandoned(selector, watch, abandoned):
                _watch_until_exit(selector, watch, launched.handle)
            _kill(launched, watch)
            selector.unregister(launched.handle)
            _read_the_rest(selector)
    finally:
        _kill(launched, watch)
        _wait_for_the_end(launched, watch)
    return watch


def _register(selector: selectors.BaseSelector, launched: Launched, watch: Watch) -> None:
    readers: dict[int, Callable[[bytes], None]] = {
        launched.stdout: lambda chunk: _take_output(watch, watch.stdout, chunk),
        launched.stderr: lambda chunk: _take_output(watch, watch.stderr, chunk),
        launched.status: lambda chunk: _take_status(watch, launched, chunk),
        launched.phase: lambda chunk: _take_phase(watch, chunk),
    }
    for descriptor, reader in readers.items():
        selector.register(descriptor, selectors.EVENT_READ, reader)


@contextmanager
def _until_abandoned(selector: selectors.BaseSelector, watch: Watch, abandoned: int | None) -> Iterator[None]:
    if abandoned is None:
        yield
        return
    why = "nobody waits for its result any more"
    selector.register(abandoned, selectors.EVENT_READ, lambda chunk: _condemn(watch, Status.SANDBOX_ERROR, why))
    yield
    selector.unregister(abandoned)


def _watch_until_exit(selector: selectors.BaseSelector, watch: Watch, handle: int) -> None:
    pause, next_sample = FIRST_SAMPLE_S, watch.started
    while watch.killed is None:
        now = time.monotonic()
        if now >= watch.deadline:
            _condemn(watch, Status.TIMEOUT, f"no end after {watch.deadline - watch.started:g} s")
        elif now >= next_sample:
            _sample(watch)
            next_sample = now + pause
            pause = min(2 * pause, SAMPLE_S)
        else:
            _read_ready(selector, max(0.0, min(next_sample, watch.deadline) - now))
            # A launcher may have something to clear away once it has said how the program ended.
            if watch.exit_code is not None or _is_over(handle):
                break
    watch.wall_s = time.monotonic() - watch.started


def _read_ready(selector: selectors.BaseSelector, timeout_s: float) -> None:
    for key, _ in selector.select(timeout_s):
        if key.data is None:
            continue
        chunk = os.read(key.fd, READ_BYTES)
        if chunk:
            key.data(chunk)
        else:
            selector.unregister(key.fd)


def _read_the_rest(selector: selectors.BaseSelector) -> None:
    """What still stands in the pipes; a pipe that something outside our reach holds open gets half a second."""
    until = time.monotonic() + CLOSING_S
    while any(key.data for key in selector.get_map().values()) and time.monotonic() < until:
        _read_ready(selector, until - time.monotonic())


def _take_output(watch: Watch, capture: Capture, chunk: bytes) -> None:
    capture.add(chunk)
    if capture.total_bytes > watch.limits.kill_bytes:
        _condemn(watch, Status.OUTPUT_LIMIT, f"more than {watch.limits.kill_bytes} bytes of output")


def _take_phase(watch: Watch, chunk: bytes) -> None:
    """One letter as each phase begins; the program itself cannot write here."""
    if b"r" in chunk:
        watch.phase = "run"
        watch.deadline = time.monotonic() + watch.limits.wall_s
    elif b"c" in chunk:
        watch.phase = "compile"
        watch.deadline = time.monotonic() + watch.limits.wall_s + watch.limits.compile_s


def _take_status(watch: Watch, launched: Launched, chunk: bytes) -> None:
    """One JSON object per line: the first names the first process inside, the last its exit code."""
    watch.status_text += chunk
    *lines, rest = bytes(watch.status_text).split(b"\n")
    watch.status_text = bytearray(rest)
    for report in map(json.loads, lines):
        watch.exit_code = report.get("exit-code", watch.exit_code)
        if "child-pid" in report:
            _follow(watch, launched, report["child-pid"])


def _follow(watch: Watch, launched: Launched, root: int) -> None:
    """Hold the first process by handle: a number alone could be another process by the time we kill."""
    try:
        handle = os.pidfd_open(root)
    except ProcessLookupError:
        return
    stat = read_stat(root)
    # A launcher that holds its programs itself names itself.
    if stat is None or launched.process not in (root, int(stat[STAT_PARENT])):
        os.close(handle)
        return
    watch.root, watch.root_handle = root, handle


def _sample(watch: Watch) -> None:
    if watch.root is None:
        return
    watch.usage.sample(watch.root)
    cap = watch.limits.tree_memory_bytes
    if watch.usage.memory_bytes > cap and watch.usage.proportional_bytes() > cap:
        _condemn(watch, Status.OUT_OF_MEMORY, f"more than {cap // 2**20} MiB of memory")
    # Before the first phase the root is still the host's.
    elif watch.phase is not None and (why := watch.full(watch.root, watch.limits)):
        _condemn(watch, Status.OUT_OF_MEMORY, why)


def _condemn(watch: Watch, status: Status, why: str) -> None:
    if watch.killed is None:
        watch.killed, watch.why = status, why


def _kill(launched: Launched, watch: Watch) -> None:
    """The launcher's death ends the namespace; the first process inside is killed as well, to wait for nothing."""
    for handle in filter(None, (launched.handle, watch.root_handle)):
        # The warden may have buried it just now.
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, watch.ending)


def _wait_for_the_end(launched: Launched, watch: Watch) -> None:
    """The warden lets go of the tether when nothing is left; a warden that is dead itself has let go too early."""
    # A launcher that clears away what the program left takes as long as that takes.
    _is_over(launched.handle, None)
    left = [launched.tether.fileno(), *filter(None, (watch.root_handle,))]
    over = [_is_over(handle, DYING_S) for handle in left]
    if watch.root_handle is not None:
        os.close(watch.root_handle)
    if not all(over):
        raise RuntimeError(f"processes of a sandbox are still there {DYING_S:g} s after they were ended")


def _is_over(handle: int, timeout_s: float | None = 0.0) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
