"""Start several programs together, show which one speaks, and stop them together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

# Asked politely first; what has not ended by then is killed.
PATIENCE_S = 10.0


@dataclass
class Started:
    """One program of a set, in a process group of its own so that its children end with it."""

    name: str
    process: "subprocess.Popen[str]"


def start(
    programs: list[Started], name: str, command: Sequence[str], *, environ: Mapping[str, str] | None = None
) -> None:
    """Start one program and add it to the set; each of its lines is printed behind its name."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    programs.append(Started(name, process))
    if process.stdout is not None:
        threading.Thread(target=_echo, args=(name, process.stdout), daemon=True).start()


def first_ended(programs: Sequence[Started], *, stop_asked: threading.Event, poll_s: float = 0.2) -> Started | None:
    """Wait until one program of the set has ended, and say which; None when told to stop."""
    while not stop_asked.wait(poll_s):
        for program in programs:
            if program.process.poll() is not None:
                return program
    return None


def stop(programs: Sequence[Started]) -> None:
    """End every program with all its children; returns when none is left."""
    for program in programs:
        _signal(program, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    for program in programs:
        try:
            program.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(program, signal.SIGKILL)
            program.process.wait()
        # Children that outlived their parent are still in its group.
        _signal(program, signal.SIGKILL)


def _signal(program: Started, number: signal.Signals) -> None:
    try:
        os.killpg(program.process.pid, number)
    except ProcessLookupError:  # it and its children have ended already
        return


def _echo(name: str, lines: IO[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{name:>8} │ {line}")
        sys.stdout.flush()
