"""The default backend: a program alone in namespaces of its own, with a file system made for it and no network."""

import os
import shlex
from contextlib import AbstractContextManager
from dataclasses import dataclass

from .jobs import Job
from .languages import SEARCH_PATH, find_program
from .launching import Descriptors, Launched, launch, next_user_id
from .results import MEBIBYTE, Limits
from .seccomp import filter_program
from .supervising import Watch, supervise

NAME = "bubblewrap"
PROGRAMS = ("bwrap", "prlimit", "bash", "setpriv")
INSIDE_ID = 1000
SHARED_MEMORY_BYTES = MEBIBYTE
# Compilers write files and use memory of their own account.
COMPILE_FILE_MB = 64
COMPILE_MEMORY_MB = 2048

# Says on the phase pipe that everything stands, then becomes the program, which does not inherit the pipe.
START = 'phase=$1; shift; command -v -- "$1" >/dev/null || exit; echo r >&"$phase"; exec "$@" {phase}>&-'
# What a compiler says is only shown when it fails; afterwards the streams are the program's alone.
COMPILE = (
    'phase=$1; echo c >&"$phase"; {compile} {{phase}}>&- >/tmp/.compiler 2>&1 </dev/null'
    " || {{ cat /tmp/.compiler >&2; exit 1; }}; rm -f /tmp/.compiler; exec {run}"
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


@dataclass(frozen=True, slots=True)
class Variation:
    """What a host refuses to a container. Without `bar_namespaces` the filter alone bars nested namespaces."""

    proc: bool = True
    bar_namespaces: bool = True


DEFAULT_VARIATION = Variation()
VARIATIONS = (DEFAULT_VARIATION, Variation(proc=False), Variation(bar_namespaces=False), Variation(False, False))


def start(job: Job, variation: Variation = DEFAULT_VARIATION) -> Watch:
    """Run the job under bubblewrap and stay with it until everything inside is dead."""
    with launched(job, variation) as program:
        return supervise(program, job.limits, job.abandoned)


def launched(job: Job, variation: Variation = DEFAULT_VARIATION) -> AbstractContextManager[Launched]:
    """The job's program just after its start, as root under a user id of its own."""
    user = next_user_id() if os.geteuid() == 0 else os.geteuid()

    def arguments(descriptors: Descriptors) -> list[str]:
        return [*_as_other_user(user), *_walls(job, variation, descriptors), *_program(job, descriptors.phase)]

    contents = [content for _, content in job.files]
    return launch(arguments, files=contents, stdin=job.stdin, filter_program=filter_program(), owner=user)


def _as_other_user(user: int) -> list[str]:
    """Root ignores the limit on processes and keeps its powers, so root becomes a real other user first."""
    if os.geteuid() != 0:
        return []
    drop = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
    return [_path("setpriv"), f"--reuid={user}", f"--regid={user}", *drop, "--"]


def _walls(job: Job, variation: Variation, descriptors: Descriptors) -> list[str]:
    disk = str(job.limits.disk_mb * MEBIBYTE)
    return [
        _path("bwrap"),
        *("--unshare-all", "--unshare-user"),
        *(("--disable-userns",) if variation.bar_namespaces else ()),
        *("--die-with-parent", "--new-session", "--hostname", "sandbox"),
        *("--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID)),
        "--clearenv",
        *(word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)),
        *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"),
        *("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
        *(word for name in ETC for word in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")),
        *(("--proc", "/proc") if variation.proc else ()),
        *("--dev", "/dev"),
        *("--size", disk, "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108
        *("--size", disk, "--perms", "0700", "--tmpfs", "/box"),
        *_files(job, descriptors),
        *("--size", str(SHARED_MEMORY_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108
        # Both are memory disks without a bound, so they are closed for writing, after the last mount.
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--seccomp", str(descriptors.filter), "--json-status-fd", str(descriptors.status)),
        *("--chdir", "/box", "--"),
    ]


def _files(job: Job, descriptors: Descriptors) -> list[str]:
    named = zip(descriptors.files, job.files, strict=True)
    return [word for number, (name, _) in named for word in ("--perms", "0644", "--file", str(number), f"/box/{name}")]


def _program(job: Job, phase: int) -> list[str]:
    run = [
        *_limited(job.limits, job.language.memory_limit),
        *("bash", "-c", START, "sandbox", str(phase)),
        *job.language.command,
    ]
    if not job.language.compile:
        return run
    script = COMPILE.format(compile=shlex.join(job.language.compile), run=shlex.join(run))
    return [*_limited(_compile_limits(job.limits), "data"), "bash", "-c", script, "sandbox", str(phase)]


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


def _path(name: str) -> str:
    path = find_program(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not in /usr/bin")
    return path
