"""Reads what a tree of processes uses, from /proc: the only account that also sees children and orphans."""

import os
from dataclasses import dataclass, field
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")

# Fields of /proc/PID/stat counted from the state letter, which follows the program's name.
STAT_PARENT = 1
STAT_CPU = slice(11, 15)  # own and waited-for children's time, user and system
STAT_RESIDENT_PAGES = 21

GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(slots=True)
class Usage:
    """What a tree used so far: the highest values seen, since a process that ended is counted no more."""

    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    resident_bytes: int = 0
    processes: list[int] = field(default_factory=list)

    def sample(self, root: int) -> None:
        """Look at the tree under `root`; `root` is the reaper, whose own memory is ours and not counted."""
        self.processes, ticks, pages = [], 0, 0
        for process in tree(root):
            stat = read_stat(process)
            if stat is None:
                continue
            ticks += sum(map(int, stat[STAT_CPU]))
            if process != root:
                self.processes.append(process)
                pages += int(stat[STAT_RESIDENT_PAGES])
        self.resident_bytes = pages * PAGE_BYTES
        self.cpu_s = max(self.cpu_s, ticks / TICKS_PER_S)
        self.peak_rss_bytes = max(self.peak_rss_bytes, self.resident_bytes)

    def proportional_bytes(self) -> int:
        """Resident memory with shared pages counted once; slower, so only asked before a verdict."""
        return sum(_proportional_bytes(process) for process in self.processes)


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


def _proportional_bytes(process: int) -> int:
    try:
        rollup = (PROC / str(process) / "smaps_rollup").read_text()
    except (*GONE, PermissionError):
        stat = read_stat(process)
        return int(stat[STAT_RESIDENT_PAGES]) * PAGE_BYTES if stat else 0
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def children_are_listed() -> bool:
    """Whether this kernel lists children at all; without that no watchdog can see a tree."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()
