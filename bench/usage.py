"""What a command and all its children used."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class CommandFailed(RuntimeError):
    """A command that a measurement needs ended with a complaint."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of the command itself and of every child that it waited for."""

    wall_s: float
    cpu_s: float
    # Of the largest process among them.
    peak_rss_bytes: int


def run_measured(command: Sequence[str], *, environ: Mapping[str, str], cwd: str | os.PathLike[str] = "/") -> Usage:
    """Run a command that has to succeed, and say what it used."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environ, cwd=cwd, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()[-2000:]}")
    return Usage(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def cpu_so_far_s(pid: int) -> float:
    """CPU of a server until now, with that of its children, those that ended included."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_cpu_s(one) for one in (str(pid), *children))


def _cpu_s(pid: str) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # ended a moment ago
        return 0.0
    own_and_of_ended_children = (int(ticks) for ticks in fields[11:15])
    return sum(own_and_of_ended_children) / os.sysconf("SC_CLK_TCK")
