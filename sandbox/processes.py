"""Reads what a tree of processes uses, from /proc: the only account that also sees children and orphans."""

import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from ctypes import CDLL, c_long
from dataclasses import dataclass, field
from pathlib import Path

from .seccomp import refused_numbers

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")

# Fields of /proc/PID/stat counted from the state letter, which follows the program's name.
STAT_PARENT = 1
STAT_CPU = slice(11, 15)  # own and waited-for children's time, user and system

# Lines of /proc/PID/status and of smaps_rollup. Beside what is resident a process keeps memory in swap, in page tables,
# which grow while nothing of what they map is there, and in huge pages that a host has set aside.
RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)
ASIDE = re.compile(r"^(?:VmSwap|VmPTE|HugetlbPages):\s+(\d+) kB$", re.MULTILINE)
PROPORTIONAL = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)

KCMP_MEMORY = 1  # whether two processes have one memory, not two alike
_libc = CDLL(None, use_errno=True)

GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(slots=True)
class Usage:
    """What a tree used so far: the highest values seen, since a process that ended is counted no more."""

    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    memory_bytes: int = 0  # at the last look
    parents: dict[int, int] = field(default_factory=dict)  # of each process below the root

    def sample(self, root: int) -> None:
        """Look at the tree under `root`; `root` is the reaper, whose own memory is ours and not counted."""
        self.parents, ticks, self.memory_bytes = {}, 0, 0
        for process in tree(root):
            stat = read_stat(process)
            if stat is None:
                continue
            ticks += sum(map(int, stat[STAT_CPU]))
            if process != root:
                self.parents[process] = int(stat[STAT_PARENT])
                self.memory_bytes += _memory_bytes(process)
        self.cpu_s = max(self.cpu_s, ticks / TICKS_PER_S)
        self.peak_rss_bytes = max(self.peak_rss_bytes, self.memory_bytes)

    def proportional_bytes(self) -> int:
        """Memory with shared pages counted once; slower, so only asked before a verdict."""
        return sum(_proportional_bytes(process) for process in self.parents if not self._borrows(process))

    def _borrows(self, process: int) -> bool:
        """Whether it runs in its parent's memory, as one that is about to become another program does."""
        parent = self.parents[process]
        return parent in self.parents and _share_memory(process, parent)


def tree(root: int) -> list[int]:
    """The process and all below it. Inside a pid namespace orphans belong to the root too."""
    found = [root]
    for process in found:
        found.extend(_children(process))
    return found


def read_stat(process: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None when the process is gone."""
    try:
        text = (PROC / str(process) / "stat").read_text(errors="replace")
    except GONE:
        return None
    return text[text.rindex(")") + 2 :].split()


def _children(process: int) -> list[int]:
    """Children are listed under the thread that started them."""
    children: list[int] = []
    try:
        for thread in (PROC / str(process) / "task").iterdir():
            children.extend(map(int, (thread / "children").read_text().split()))
    except GONE:
        return children
    return children


def _memory_bytes(process: int) -> int:
    _, status = _status(process)
    return _bytes_of(RESIDENT, status) + _bytes_of(ASIDE, status)


def _proportional_bytes(process: int) -> int:
    thread, status = _status(process)
    rollup = _read(thread, "smaps_rollup")
    resident = _bytes_of(PROPORTIONAL, rollup) if rollup else _bytes_of(RESIDENT, status)
    return resident + _bytes_of(ASIDE, status)


def _share_memory(one: int, other: int) -> bool:
    """As the kernel says; where it does not tell, they do not."""
    number = refused_numbers(platform.machine())["kcmp"]
    (first, first_status), (second, second_status) = _status(one), _status(other)
    words = (number, first, second, KCMP_MEMORY, 0, 0)
    return bool(first_status and second_status) and _libc.syscall(*map(c_long, words)) == 0


def _status(process: int) -> tuple[int, str]:
    """Which of its threads tells of its memory, and what; empty when it has none any more."""
    for thread in _threads(process):
        status = _read(thread, "status")
        if RESIDENT.search(status):
            return thread, status
    return process, ""


def _threads(process: int) -> Iterator[int]:
    """A first thread that has ended shows no memory, though the others go on and keep it."""
    yield process
    with suppress(*GONE):
        yield from (int(thread.name) for thread in (PROC / str(process) / "task").iterdir())


def _read(thread: int, name: str) -> str:
    """Empty when it is gone, or keeps this to itself."""
    try:
        return (PROC / str(thread) / name).read_text(errors="replace")
    except (*GONE, PermissionError):
        return ""


def _bytes_of(lines: re.Pattern[str], text: str) -> int:
    return sum(map(int, lines.findall(text))) * 1024


def children_are_listed() -> bool:
    """Whether this kernel lists children at all; without that no watchdog can see a tree."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()
