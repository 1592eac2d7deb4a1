"""Runs one program: checks the request, chooses the backend, and hands the job to it."""

import logging
from collections.abc import Callable, Sequence

from . import bubblewrap, landlock, remote
from .jobs import Job, check_files, make_job
from .judging import judged
from .languages import LANGUAGES, canonical, runtime
from .probing import Probe, probe
from .results import DEFAULT_LIMITS, Limits, RunResult, Status
from .wire import Request

logger = logging.getLogger(__name__)


def _run_in_bubblewrap(job: Job, found: Probe) -> RunResult:
    return judged(bubblewrap.start(job, found.variation), job, bubblewrap.NAME)


def _run_under_landlock(job: Job, found: Probe) -> RunResult:
    return landlock.run(job)


BACKENDS: dict[str, Callable[[Job, Probe], RunResult]] = {
    bubblewrap.NAME: _run_in_bubblewrap,
    landlock.NAME: _run_under_landlock,
}


def run(
    code: str,
    language: str = "python",
    *,
    stdin: bytes = b"",
    files: Sequence[tuple[str, bytes]] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> RunResult:
    """Run untrusted code. Never raises for what the code does; our own failure is a `sandbox_error`."""
    request = Request(code, canonical(language), stdin, tuple(files), limits)
    try:
        runner = remote.chosen_runner()
        return run_here(request) if runner is None else _run_there(request, runner)
    except remote.RunnerFailed as failure:
        logger.error("%s", failure)
        return _not_run(f"not run: {failure}", language)


def run_here(request: Request, abandoned: int | None = None) -> RunResult:
    """Run it on this machine; once `abandoned` can be read from, nobody waits for the result and it is ended."""
    version = runtime(request.language)
    if not version:
        return _not_run(f"not run: no {request.language} here", request.language)
    found = probe()
    if found.backend is None:
        return _not_run(f"not run: {found.line}", version)
    job = make_job(
        request.code,
        LANGUAGES[request.language],
        version,
        stdin=request.stdin,
        files=request.files,
        limits=request.limits,
        abandoned=abandoned,
    )
    try:
        result = BACKENDS[found.backend](job, found)
    except OSError as error:
        logger.exception("the sandbox could not start a program")
        return _not_run(f"the sandbox could not start: {error}", version)
    if result.status is Status.SANDBOX_ERROR:
        logger.error("%s", result.stderr)
    return result


def _run_there(request: Request, runner: remote.Runner) -> RunResult:
    """What could not stand here is refused here: the runner would only say the same."""
    if request.language in LANGUAGES:
        check_files(LANGUAGES[request.language].main_file, request.files)
    result = remote.run(runner, request)
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
