"""Run as a script: shuts a program into the Landlock rules it is given, stays its keeper, leaves nothing of it behind.

Stands alone, without an import from this package, because it is started by its path.
"""

import ctypes
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

# Numbers are the same on every machine for these three.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
# Up to truncating files (version 3) and commands to devices (version 5).
ALL_FILE_RIGHTS = (1 << 16) - 1
ALL_NETWORK_RIGHTS = 0b11  # TCP: to be reached and to reach (version 4)
ALL_SCOPES = 0b11  # abstract UNIX sockets and signals stay among the program's own (version 6)
LEAST_VERSION = 6

READ = EXECUTE | READ_FILE | READ_DIR
READ_ONE_FILE = EXECUTE | READ_FILE
USE_DEVICE = READ_FILE | WRITE_FILE
WRITE = ALL_FILE_RIGHTS & ~(MAKE_CHAR | MAKE_BLOCK)

SET_PARENT_DEATH_SIGNAL, SET_SECCOMP, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVILEGES = 1, 22, 36, 38
FILTER_MODE = 2
INSTRUCTION_BYTES = 8
SIGNAL_BASE = 128
TOOLS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
# Both are blocked and waited for, so that no signal ever comes between two steps of cleaning up.
AWAITED = {signal.SIGCHLD, signal.SIGTERM}

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Which version of Landlock this kernel has; 0 for none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG))))


def ruleset_attributes() -> bytes:
    """struct landlock_ruleset_attr: everything is refused that no rule allows."""
    return struct.pack("=QQQ", ALL_FILE_RIGHTS, ALL_NETWORK_RIGHTS, ALL_SCOPES)


def rules(box: str, temporary: str, readable: list[str]) -> list[tuple[str, int]]:
    """What may be done where; a path that this host does not have is left out."""
    devices = [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")]
    wanted = [
        *((path, READ if Path(path).is_dir() else READ_ONE_FILE) for path in readable),
        *((path, USE_DEVICE) for path in devices),
        *((path, WRITE) for path in (box, temporary)),
    ]
    return [(path, rights) for path, rights in wanted if Path(path).exists()]


def restrict(allowed: list[tuple[str, int]]) -> None:
    """Put this process, and all it will ever start, under the rules."""
    attributes = ruleset_attributes()
    ruleset = _called(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for path, rights in allowed:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", rights, place)
        _called(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(PATH_BENEATH), rule, ctypes.c_uint32(0))
        os.close(place)
    _control(SET_NO_NEW_PRIVILEGES, 1)
    _called(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def main(order: dict[str, Any]) -> int:
    """Make the folder, run the program in it, report as bubblewrap does, and remove all that is left."""
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    _control(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    _control(SET_CHILD_SUBREAPER, 1)
    if os.getppid() != order["parent"]:
        return 1
    folder = Path(order["folder"])
    try:
        _make(folder, order)
        _report(order["status"], {"child-pid": os.getpid()})
        program = _start(folder, order)
        _let_go_of_streams()
        exit_code = _wait_for(program)
        if exit_code is not None:
            _report(order["status"], {"exit-code": exit_code})
    finally:
        _end_all()
        remove(folder)
    return 0


def remove(folder: Path) -> None:
    """Remove a tree that hostile code made, as deep and as closed as it may be."""
    if not folder.exists():
        return
    # The tools of the system walk any depth; a Python that recurses does not.
    if os.geteuid() != 0:
        subprocess.run(["chmod", "-R", "u+rwX", "--", folder], check=False, env=TOOLS)
    subprocess.run(["rm", "-rf", "--", folder], check=False, env=TOOLS)
    if folder.exists():
        raise OSError(f"{folder} of a sandbox could not be removed")


def _make(folder: Path, order: dict[str, Any]) -> None:
    """The private folder with the job's files, which come through descriptors."""
    folder.mkdir(mode=0o700)
    for name in ("box", "tmp"):
        (folder / name).mkdir(mode=0o700)
    for name, descriptor in order["files"]:
        path = folder / "box" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(descriptor, "rb") as content, path.open("wb") as file:
            shutil.copyfileobj(content, file)
    if order["user"] != os.geteuid():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, order["user"], order["user"])


def _start(folder: Path, order: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _become(folder, order)
    except OSError as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(1)


def _become(folder: Path, order: dict[str, Any]) -> NoReturn:
    """From here on this process is the program's; whatever fails ends it before the program begins."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _control(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    os.chdir(folder / "box")
    os.close(order["status"])
    filter_program = os.pread(order["filter"], 1 << 20, 0)
    os.close(order["filter"])
    restrict(rules(str(folder / "box"), str(folder / "tmp"), order["readable"]))
    _filter(filter_program)
    os.execve(order["command"][0], order["command"], order["environment"])  # noqa: S606 - no shell is meant


def _filter(program: bytes) -> None:
    """Install a classic BPF program: struct sock_fprog, a count and the place of the instructions."""
    held = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("@HP", len(program) // INSTRUCTION_BYTES, ctypes.addressof(held))
    _control(SET_SECCOMP, FILTER_MODE, pointer)


def _wait_for(program: int) -> int | None:
    """The program's exit code, as a shell reports it; None when we are to end first. Orphans are buried on the way."""
    while True:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == program:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else SIGNAL_BASE - code
        if process == 0 and signal.sigwait(AWAITED) == signal.SIGTERM:
            return None


def _end_all() -> None:
    """Stop all that is below us until nothing new appears, for what is stopped cannot fork; then kill it."""
    stopped: set[int] = set()
    while new := _below() - stopped:
        _signal(new, signal.SIGSTOP)
        stopped |= new
    while True:
        _signal(_below(), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _below() -> set[int]:
    found = [os.getpid()]
    for process in found:
        for listed in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                found.extend(map(int, listed.read_text().split()))
            except OSError:
                continue
    return set(found[1:])


def _signal(processes: set[int], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def _let_go_of_streams() -> None:
    """The pipes must close when the program's ends do."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _report(descriptor: int, report: dict[str, int]) -> None:
    os.write(descriptor, f"{json.dumps(report)}\n".encode())


def _called(number: int, *arguments: Any) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}: {os.strerror(ctypes.get_errno())}")
    return result


def _control(operation: int, *values: int | bytes) -> None:
    """prctl, whose arguments that are left out must be nothing."""
    words = [value if isinstance(value, bytes) else ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if _libc.prctl(ctypes.c_int(operation), *words) < 0:
        raise OSError(ctypes.get_errno(), f"prctl {operation}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
