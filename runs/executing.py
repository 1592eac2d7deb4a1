"""Code → sandbox → a remembered Execution: the same program under the same limits is run once."""

import dataclasses
import hashlib
from typing import Any

import sandbox
from runs.kinds import Executed
from runs.models import Execution, storable
from runs.outcomes import canonical

# A launcher that was killed, or a machine short of processes for a moment, deserves a second try.
TRIES = 2


class SandboxFailed(RuntimeError):
    """The sandbox itself failed; this says nothing about the program and is never remembered."""


def execution_key(code: str, language: str, *, limits: sandbox.Limits, stdin: str = "") -> str:
    """sha256 over everything that shapes what the program does: code, language, input, limits, runtime."""
    identity = {
        "code": code,
        "language": language,
        "stdin": stdin,
        "limits": dataclasses.asdict(limits),
        "runtime": sandbox.runtime(language),
    }
    return hashlib.sha256(canonical(identity)).hexdigest()


def remembered(key: str) -> Execution | None:
    """The stored execution of that key, if there is one."""
    return Execution.objects.filter(key=key).first()


def run_in_sandbox(code: str, language: str, limits: sandbox.Limits) -> sandbox.RunResult:
    """Run the program now; SandboxFailed when the sandbox could not, twice."""
    for _ in range(TRIES):
        result = sandbox.run(code, language, limits=limits)
        if result.status != sandbox.Status.SANDBOX_ERROR:
            return result
    raise SandboxFailed(f"the program was not run: {result.stderr.strip()[:500]}")


def remember(
    key: str, code: str, language: str, *, limits: sandbox.Limits, result: sandbox.RunResult, stdin: str = ""
) -> Execution:
    """Store what a program did; whoever stored it first wins, so that one key has one result."""
    columns: dict[str, Any] = {
        "code": storable(code),
        "language": language,
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
