"""Runs one program: checks the request, chooses the backend, and hands the job to it."""

import logging
from collections.abc import Callable, Sequence

from . import bubblewrap
from .jobs import Job, make_job
from .judging import judged
from .languages import LANGUAGES, canonical, runtime
from .probing import Probe, probe
from .results import DEFAULT_LIMITS, Limits, RunResult, Status

logger = logging.getLogger(__name__)


def _run_in_bubblewrap(job: Job, found: Probe) -> RunResult:
    return judged(bubblewrap.start(job, found.variation), job, bubblewrap.NAME)


BACKENDS: dict[str, Callable[[Job, Probe], RunResult]] = {bubblewrap.NAME: _run_in_bubblewrap}


def run(
    code: str,
    language: str = "python",
    *,
    stdin: bytes = b"",
    files: Sequence[tuple[str, bytes]] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> RunResult:
    """Run untrusted code. Never raises for what the code does; our own failure is a `sandbox_error`."""
    version = runtime(language)
    if not version:
        return _not_run(f"not run: no {language} here", language)
    found = probe()
    if found.backend is None:
        return _not_run(f"not run: {found.line}", version)
    job = make_job(code, LANGUAGES[canonical(language)], version, stdin=stdin, files=files, limits=limits)
    try:
        result = BACKENDS[found.backend](job, found)
    except OSError as error:
        logger.exception("the sandbox could not start a program")
        return _not_run(f"the sandbox could not start: {error}", version)
    if result.status is Status.SANDBOX_ERROR:
        logger.error("%s", result.stderr)
    return result


def _not_run(why: str, runtime_name: str) -> RunResult:
    return RunResult(
        status=Status.SANDBOX_ERROR,
        stdout="",
        stderr=why,
        exit_code=None,
        signal=None,
        truncated=False,
        stdout_bytes=0,
        stderr_bytes=0,
        wall_s=0.0,
        cpu_s=0.0,
        peak_rss_bytes=0,
        phase="run",
        backend="",
        runtime=runtime_name,
    )
