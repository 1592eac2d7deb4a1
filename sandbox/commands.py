"""The command inside a sandbox: set the limits, say on the phase pipe that everything stands, begin the program."""

import shlex

from .jobs import Job
from .languages import SEARCH_PATH, find_program
from .results import MEBIBYTE, Limits

# Compilers write files and use memory of their own account.
COMPILE_FILE_MB = 64
COMPILE_MEMORY_MB = 2048

# Says on the phase pipe that everything stands, then becomes the program, which does not inherit the pipe.
START = 'phase=$1; shift; command -v -- "$1" >/dev/null || exit; echo r >&"$phase"; exec "$@" {phase}>&-'
# What a compiler says is only shown when it fails; afterwards the streams are the program's alone.
COMPILE = (
    'phase=$1; echo c >&"$phase"; {compile} {{phase}}>&- >"$TMPDIR/.compiler" 2>&1 </dev/null'
    ' || {{ cat "$TMPDIR/.compiler" >&2; exit 1; }}; rm -f "$TMPDIR/.compiler"; exec {run}'
)

ENVIRONMENT = {
    "PATH": SEARCH_PATH,
    "HOME": "/box",
    "TMPDIR": "/tmp",  # noqa: S108 - a place inside the sandbox, made for this run alone
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
}
# Debian and Ubuntu reach many programs, java among them, through these.
ETC = ("alternatives", "ld.so.cache", "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "java-25-openjdk")


def as_other_user(user: int, *further: str) -> list[str]:
    """Root ignores the limit on processes and keeps its powers, so root becomes a real other user first."""
    drop = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
    return [path("setpriv"), f"--reuid={user}", f"--regid={user}", *drop, *further, "--"]


def program(job: Job, phase: int) -> list[str]:
    """Compile where the language asks for it, then run, each under its own limits."""
    run = [
        *_limited(job.limits, job.language.memory_limit),
        *("bash", "-c", START, "sandbox", str(phase)),
        *job.language.command,
    ]
    if not job.language.compile:
        return run
    script = COMPILE.format(compile=shlex.join(job.language.compile), run=shlex.join(run))
    return [*_limited(_compile_limits(job.limits), "data"), "bash", "-c", script, "sandbox", str(phase)]


def path(name: str) -> str:
    """Where a program of the host stands; raises where it does not."""
    found = find_program(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not in /usr/bin")
    return found


def _compile_limits(limits: Limits) -> Limits:
    """Hard limits only ever go down, so a compiler's must be at least the program's."""
    return Limits(
        cpu_s=limits.cpu_s + int(limits.compile_s),
        memory_mb=max(COMPILE_MEMORY_MB, limits.memory_mb),
        file_mb=max(COMPILE_FILE_MB, limits.file_mb),
        processes=limits.processes,
        open_files=limits.open_files,
    )


def _limited(limits: Limits, memory_limit: str) -> list[str]:
    """Set inside the sandbox: outside, processes of other programs would count too."""
    return [
        "prlimit",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file_mb * MEBIBYTE}",
        f"--cpu={limits.cpu_s}:{limits.cpu_s + 1}",
        f"--nofile={limits.open_files}",
        # 1 and not 0: with 0 the kernel still hands the crash to a collector such as apport, outside.
        "--core=1",
        f"--{'as' if memory_limit == 'address_space' else 'data'}={limits.memory_mb * MEBIBYTE}",
        "--",
    ]
