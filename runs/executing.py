"""Code → sandbox → a remembered Execution: the same program under the same limits is run once."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import sandbox
from runs.kinds import Executed, Skipped
from runs.models import Execution, storable
from runs.outcomes import canonical

# A launcher that was killed, or a machine short of processes for a moment, deserves a second try.
TRIES = 2


class SandboxFailed(RuntimeError):
    """The sandbox itself failed; this says nothing about the program and is never remembered."""


class NotHere(Skipped):
    """Nothing here runs the language: the item is done with, and its record says so."""


def execution_key(code: str, language: str, *, limits: sandbox.Limits, stdin: str = "") -> str:
    """sha256 over all that shapes what the program does and that can be known before it runs."""
    identity = {
        "code": code,
        "language": sandbox.canonical(language),
        "stdin": stdin,
        "runtime": _runtime(language),
        # Whether a runner stands between makes no difference, what stands around the program does.
        "backend": _asked(sandbox.backend),
        "recipe": sandbox.recipe(language, limits),
    }
    return hashlib.sha256(canonical(identity)).hexdigest()


def languages() -> list[str]:
    """The languages that programs can be run in now; SandboxFailed when a runner is to say it and does not."""
    try:
        return [*sandbox.languages()]
    except sandbox.RunnerFailed as failure:
        raise SandboxFailed(str(failure)) from failure


def remembered(key: str) -> Execution | None:
    """The stored execution of that key, if there is one."""
    return Execution.objects.filter(key=key).first()


def run_in_sandbox(code: str, language: str, limits: sandbox.Limits, stdin: str = "") -> sandbox.RunResult:
    """Run the program now; NotHere without its language, SandboxFailed when the sandbox could not, twice."""
    _runtime(language)
    for _ in range(TRIES):
        result = sandbox.run(code, language, stdin=stdin.encode(), limits=limits)
        if result.status != sandbox.Status.SANDBOX_ERROR:
            return result
    raise SandboxFailed(f"the program was not run: {result.stderr.strip()[:500]}")


def remember(
    key: str, code: str, language: str, *, limits: sandbox.Limits, result: sandbox.RunResult, stdin: str = ""
) -> Execution:
    """Store what a program did; whoever stored it first wins, so that one key has one result."""
    columns: dict[str, Any] = {
        "code": storable(code),
        "language": sandbox.canonical(language),
        "stdin": storable(stdin),
        "limits": dataclasses.asdict(limits),
        "runtime": result.runtime,
        "backend": result.backend,
        "status": str(result.status),
        "phase": result.phase,
        "stdout": result.stdout,
        "stderr": result.stderr,
        "exit_code": result.exit_code,
        "signal": result.signal,
        "truncated": result.truncated,
        "wall_s": result.wall_s,
        "cpu_s": result.cpu_s,
        "peak_rss_bytes": result.peak_rss_bytes,
    }
    return Execution.objects.get_or_create(key=key, defaults=columns)[0]


def executed(execution: Execution) -> Executed:
    """The stored row as a step sees it."""
    return Executed(
        execution_id=execution.pk,
        status=execution.status,
        stdout=execution.stdout,
        stderr=execution.stderr,
        exit_code=execution.exit_code,
        truncated=execution.truncated,
        wall_s=execution.wall_s,
    )


def _runtime(language: str) -> str:
    runtime = _asked(lambda: sandbox.runtime(language))
    if not runtime:
        raise NotHere(f"not run: no {language} here")
    return runtime


def _asked(question: Callable[[], str]) -> str:
    """What the sandbox says of itself; a runner may have to be asked and may not answer."""
    try:
        return question()
    except sandbox.RunnerFailed as failure:
        raise SandboxFailed(f"the program was not run: {failure}") from failure
