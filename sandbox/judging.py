"""Turns what was seen of a program into its result: which status, and whose fault."""

import re
import signal as signals

from .jobs import Job
from .results import Phase, RunResult, Status
from .supervising import Watch

# A program that a signal ended is reported as 128 plus the signal's number, as shells do.
SIGNAL_BASE = 128


def judged(watch: Watch, job: Job, backend: str) -> RunResult:
    """The record of a run that a backend on this machine supervised."""
    status, signal = _judge(watch, job)
    stderr = watch.stderr.text()
    if status is Status.SANDBOX_ERROR:
        stderr = f"the sandbox failed: {stderr or watch.why or 'its launcher ended without a word'}"
    return RunResult(
        status=status,
        stdout=watch.stdout.text(),
        stderr=stderr,
        exit_code=None if watch.killed or signal else watch.exit_code,
        signal=signal,
        truncated=watch.stdout.truncated or watch.stderr.truncated,
        stdout_bytes=watch.stdout.total_bytes,
        stderr_bytes=watch.stderr.total_bytes,
        wall_s=watch.wall_s,
        cpu_s=watch.usage.cpu_s,
        peak_rss_bytes=watch.usage.peak_rss_bytes,
        phase=_phase(watch, job),
        backend=backend,
        runtime=job.runtime,
    )


def _judge(watch: Watch, job: Job) -> tuple[Status, int | None]:
    """The status, and the signal that ended the program if one did."""
    if watch.phase is None or (watch.exit_code is None and watch.killed is None):
        return Status.SANDBOX_ERROR, None
    if watch.killed is not None:
        return watch.killed, None
    if watch.exit_code == 0:
        return Status.OK, None
    signal = _signal(watch.exit_code)
    return _judge_failure(watch, job, signal), signal


def _judge_failure(watch: Watch, job: Job, signal: int | None) -> Status:
    if _phase(watch, job) == "compile":
        return Status.COMPILE_ERROR
    if signal == signals.SIGXCPU or (signal == signals.SIGKILL and watch.usage.cpu_s >= job.limits.cpu_s):
        return Status.TIMEOUT
    if _said(watch, job.language.memory_message):
        return Status.OUT_OF_MEMORY
    return Status.ERROR if signal is None else Status.SIGNAL


def _signal(exit_code: int | None) -> int | None:
    number = (exit_code or 0) - SIGNAL_BASE
    return number if number in set(signals.Signals) else None


def _phase(watch: Watch, job: Job) -> Phase:
    """Where it ended; a runtime that compiles and runs in one step tells the two apart only by its words.

    A program that was refused has printed nothing, so one that merely repeats those words is known by its output.
    """
    refused = watch.exit_code == 1 and not watch.stdout.total_bytes and _said(watch, job.language.compile_message)
    return "compile" if watch.phase == "compile" or refused else "run"


def _said(watch: Watch, pattern: str) -> bool:
    """Whether the runtime said so on standard error."""
    return bool(pattern) and re.search(pattern, watch.stderr.text(), re.MULTILINE) is not None
