"""Run as a script, one beside each worker: starts its sandboxes, adopts what they leave, ends it all with the worker.

Stands alone, without an import from this package, because it is started by its path.
"""

import array
import ctypes
import fcntl
import json
import os
import re
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

SET_CHILD_SUBREAPER = 36
MOST_BYTES = 1 << 20
MOST_DESCRIPTORS = 253  # the kernel's own bound for one message
# Far above what a launched program inherits, so that no descriptor is in the place of another.
ASIDE = 300
# Python ignores the first two, this script the others; a program starts with none ignored.
IGNORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
# A launcher that clears away what it made gets this long for it once the worker is gone.
CLEARING_S = 10.0
LOOK_S = 0.01
STAT_PARENT = 1  # counted from the state letter, which follows the program's name
# Words of every sandbox of ours, and of no other program that uses bubblewrap.
OURS = (b"--die-with-parent", b"--json-status-fd", b"/box")


class Launch:
    """One launched program: `tether` is closed when nothing is left of it, and the worker waits for that."""

    __slots__ = ("ending", "kept", "left", "main", "tether")

    def __init__(self, main: int, tether: socket.socket, order: dict[str, Any]) -> None:
        self.main = main
        self.tether = tether
        self.ending: int = order["ending"]
        self.kept: bool = order["kept"]
        self.left: set[int] = set()


class Warden:
    """Everything launched is a child of this process, or becomes one when its parent dies."""

    def __init__(self, worker: int, control: socket.socket) -> None:
        self.worker, self.control = worker, control
        self.poll = select.poll()
        self.launches: dict[int, Launch] = {}  # by the numbers of their processes
        self.handles: dict[int, int] = {}  # handle of a process: its number
        for descriptor in (worker, control.fileno()):
            self.poll.register(descriptor, select.POLLIN)

    def run(self) -> None:
        """Serve until the worker is gone, however it went."""
        while True:
            ready = [descriptor for descriptor, _ in self.poll.poll()]
            if self.worker in ready:
                return
            for handle in set(ready) & self.handles.keys():
                self._bury(handle)
            if self.control.fileno() in ready and not self._take_order():
                return

    def end_all(self) -> None:
        """Nothing below this process is left when this returns. What a parent leaves on its death comes here too."""
        if not all(launch.kept for launch in self.launches.values()):
            return
        deadline = time.monotonic() + CLEARING_S
        while left := children():
            for process in left:
                launch = self.launches.get(process)
                gently = launch is not None and process == launch.main and time.monotonic() < deadline
                os.kill(process, launch.ending if launch and gently else signal.SIGKILL)
            while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG) is not None:
                if not children():
                    return
            time.sleep(LOOK_S)

    def _take_order(self) -> bool:
        """Start what the worker asks for; False when it asks for nothing any more."""
        text, descriptors = receive(self.control)
        if not text:
            return False
        order = json.loads(text)
        first, *inherited = descriptors
        tether = socket.socket(fileno=first)
        try:
            process = spawn(order, inherited)
        except OSError as error:
            tell(tether, {"errno": error.errno, "of": error.filename}, [])
            tether.close()
            return True
        launch = Launch(process, tether, order)
        handle = self._watch(process, launch)
        if not tell(tether, {"process": process}, [handle]):
            # The worker is gone, or gave up: nobody will ever end it.
            os.kill(process, launch.ending)
        return True

    def _watch(self, process: int, launch: Launch) -> int:
        handle = os.pidfd_open(process)
        self.launches[process], self.handles[handle] = launch, process
        launch.left.add(process)
        self.poll.register(handle, select.POLLIN)
        return handle

    def _bury(self, handle: int) -> None:
        """A launcher's children are ours as soon as it is dead: whatever they were about to do, they end."""
        self.poll.unregister(handle)
        process = self.handles.pop(handle)
        os.close(handle)
        os.waitpid(process, 0)
        launch = self.launches.pop(process)
        if launch.kept:
            for orphan in children() - self.launches.keys():
                os.kill(orphan, signal.SIGKILL)
                self._watch(orphan, launch)
        launch.left.discard(process)
        if not launch.left:
            launch.tether.close()


def receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """A message and the descriptors that came with it, which no program inherits by itself."""
    found = array.array("i")
    space = socket.CMSG_SPACE(MOST_DESCRIPTORS * found.itemsize)
    # Not recv_fds, which pays no heed to its flags.
    text, attached, *_ = control.recvmsg(MOST_BYTES, space, socket.MSG_CMSG_CLOEXEC)
    for _, _, content in attached:
        found.frombytes(content)
    return text, list(found)


def tell(tether: socket.socket, answer: dict[str, Any], handles: list[int]) -> bool:
    """Answer the worker; False when nobody hears it any more."""
    try:
        socket.send_fds(tether, [json.dumps(answer).encode()], handles)
    except OSError:
        return False
    return True


def spawn(order: dict[str, Any], descriptors: list[int]) -> int:
    """Start a program whose descriptors have the numbers 0, 1, 2, ... in the order in which they came."""
    aside: list[int] = []
    try:
        aside.extend(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, ASIDE) for descriptor in descriptors)
        return os.posix_spawn(
            order["command"][0],
            order["command"],
            order["environment"],
            file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(aside)],
            setsid=True,
            setsigmask=(),
            setsigdef=IGNORED,
        )
    finally:
        for descriptor in (*descriptors, *aside):
            os.close(descriptor)


def children() -> set[int]:
    """The processes whose parent this one is; it has one thread, so one list names them all."""
    own = os.getpid()
    return set(map(int, Path(f"/proc/{own}/task/{own}/children").read_text().split()))


def sweep() -> None:
    """End what dead wardens left: the first process of a sandbox whose parent is not its launcher, so that is dead.

    Both are bubblewrap, called with the same words; and these ask that it dies with its parent.
    """
    for process in (int(place.name) for place in Path("/proc").glob("[0-9]*")):
        if not is_left(process):
            continue
        try:
            handle = os.pidfd_open(process)
            # Looked at again, for the number may be another process's by now.
            if is_left(process):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
        except (ProcessLookupError, PermissionError):
            continue


def is_left(process: int) -> bool:
    """Whether it is what became of a sandbox of ours without its launcher."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if not words[0].endswith(b"/bwrap") or not set(OURS) <= set(words):
            return False
        inside = re.search(r"^NSpid:.*\t1$", Path(f"/proc/{process}/status").read_text(errors="replace"), re.MULTILINE)
        parent = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[STAT_PARENT]
        return inside is not None and Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0") != words
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def main(worker: int, control: socket.socket) -> None:
    """Watch over what the worker launches until it is gone, then end what is left."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_CHILD_SUBREAPER, ctypes.c_ulong(1), *(ctypes.c_ulong(0),) * 3) < 0:
        raise OSError(ctypes.get_errno(), "prctl: this process cannot adopt")
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    control.set_inheritable(False)
    os.chdir("/")
    os.umask(0o022)
    handle = os.pidfd_open(worker)
    if os.getppid() != worker:
        return
    warden = Warden(handle, control)
    sweep()
    try:
        warden.run()
    finally:
        warden.end_all()


if __name__ == "__main__":
    main(int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
