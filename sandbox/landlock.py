"""The fallback: Landlock rules, the filter, limits and a private folder. Weaker than namespaces: reduced isolation."""

import json
import os
import re
import secrets
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import commands
from .jobs import Job
from .judging import judged
from .landlock_launcher import LEAST_VERSION, remove, version
from .launching import Descriptors, launch, next_user_id, warden_process
from .processes import GONE, tree
from .results import MEBIBYTE, Limits, RunResult
from .seccomp import filter_program
from .supervising import MOST_SOCKETS, Full, Watch, supervise

NAME = "landlock"
PROGRAMS = ("prlimit", "bash", "setpriv", "rm", "chmod")
LAUNCHER = Path(__file__).with_name("landlock_launcher.py")
BOX, TEMPORARY = commands.ENVIRONMENT["HOME"], commands.ENVIRONMENT["TMPDIR"]
# A file that may not be read stops node, where one that is not there would not.
READABLE = ("/usr", "/bin", "/lib", "/lib64", "/etc/ssl/openssl.cnf", *(f"/etc/{name}" for name in commands.ETC))
BLOCK_BYTES = 512  # what st_blocks counts, whatever the file system


def run(job: Job) -> RunResult:
    """Run the job; where its private folder shows in what it printed, its places read as in every other backend."""
    folder = _new_folder()
    result = judged(start(job, folder), job, NAME)
    return replace(result, stdout=_as_elsewhere(result.stdout, folder), stderr=_as_elsewhere(result.stderr, folder))


def start(job: Job, folder: Path | None = None) -> Watch:
    """Run the job and stay with it until all it started is dead and its folder is gone."""
    folder = folder or _new_folder()
    user = next_user_id() if os.geteuid() == 0 else os.geteuid()

    def arguments(descriptors: Descriptors) -> list[str]:
        order = json.dumps(_order(job, folder, user, descriptors))
        return [sys.executable, "-I", "-S", "-B", str(LAUNCHER), order]

    launching = launch(
        arguments,
        files=[content for _, content in job.files],
        stdin=job.stdin,
        filter_program=filter_program(among_others=True),
        owner=user,
        ending=signal.SIGTERM,
    )
    try:
        with launching as program:
            # The launcher keeps all the program starts, so it is told to end them and not killed itself.
            return supervise(program, job.limits, job.abandoned, full=_fullness(folder), ending=signal.SIGTERM)
    finally:
        remove(folder)  # where the launcher could not


def missing() -> str:
    """What this kernel lacks; empty when nothing."""
    found = version()
    if found >= LEAST_VERSION:
        return ""
    return f"landlock of version {LEAST_VERSION} is needed (Linux 6.12), this kernel has {found or 'none'}."


def _order(job: Job, folder: Path, user: int, descriptors: Descriptors) -> dict[str, Any]:
    """What the launcher is told, see its main()."""
    as_root = os.geteuid() == 0
    command = commands.program(_placed(job, folder, as_root), descriptors.phase)
    names = [name for name, _ in job.files]
    # Becoming another user takes away what the launcher asked for: that the program dies with it.
    become = commands.as_other_user(user, "--pdeathsig=keep")
    return {
        "parent": warden_process(),
        "folder": str(folder),
        "user": user,
        "files": list(zip(names, descriptors.files, strict=True)),
        "status": descriptors.status,
        "filter": descriptors.filter,
        "readable": READABLE,
        "command": [*become, *command] if as_root else [commands.path("prlimit"), *command[1:]],
        "environment": {name: _placed_word(value, folder) for name, value in commands.ENVIRONMENT.items()},
    }


def _placed(job: Job, folder: Path, as_root: bool) -> Job:
    """The job with its commands in the private folder, its limit on processes beside those its user has already."""
    language = job.language
    commands_there, compile_there = (
        tuple(_placed_word(word, folder) for word in words) for words in (language.command, language.compile)
    )
    processes = job.limits.processes + (0 if as_root else _tasks_of(os.getuid()))
    return replace(
        job,
        language=replace(language, command=commands_there, compile=compile_there),
        limits=replace(job.limits, processes=processes),
    )


def _placed_word(word: str, folder: Path) -> str:
    return re.sub(rf"(?<!\S)(?={BOX}|{TEMPORARY})", str(folder), word)


def _as_elsewhere(text: str, folder: Path) -> str:
    return text.replace(str(folder), "")


def _new_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"sandbox-{secrets.token_hex(8)}"


def _tasks_of(user: int) -> int:
    """Processes and threads of a user: RLIMIT_NPROC counts them all, ours too."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(*GONE):
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            count += int(fields["Threads"]) if int(fields["Uid"].split()[0]) == user else 0
    return count


def _fullness(folder: Path) -> Full:
    """The folder lies on the host's disk, which sets no bound: it is counted, with what is open and in no folder."""

    def full(root: int, limits: Limits) -> str:
        most_bytes, used_bytes, entries = 2 * limits.disk_mb * MEBIBYTE, 0, 0
        try:
            for entry in entries_below(folder):
                entries += 1
                used_bytes += entry.st_blocks * BLOCK_BYTES
                if entries > limits.entries:
                    return f"more than {limits.entries} files and folders"
        except OSError as error:
            return f"a folder that cannot be counted: {error.strerror}"
        opened = {(file.st_dev, file.st_ino): file for file in _opened(root)}.values()
        used_bytes += sum(file.st_blocks * BLOCK_BYTES for file in opened if _is_nameless(file))
        if used_bytes > most_bytes:
            return f"more than {2 * limits.disk_mb} MiB of files"
        sockets = sum(stat.S_ISSOCK(file.st_mode) for file in opened)
        return f"more than {MOST_SOCKETS} sockets" if sockets > MOST_SOCKETS else ""

    return full


def entries_below(folder: Path) -> Iterator[os.stat_result]:
    """All below a folder; what goes away while it is looked at is no reason to stop looking."""
    folders = [str(folder)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as listed:
            for entry in listed:
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(found.st_mode):
                        folders.append(entry.path)
                    yield found


def _opened(root: int) -> Iterator[os.stat_result]:
    """What the program holds open, in any thread: each may have descriptors of its own."""
    for process in tree(root)[1:]:
        for thread in _listed(Path(f"/proc/{process}/task")):
            for descriptor in _listed(thread / "fd"):
                # Of a process that is ending the kernel says that it may not be looked at.
                with suppress(*GONE, PermissionError):
                    yield descriptor.stat()


def _listed(folder: Path) -> list[Path]:
    """Nothing when its process is gone."""
    with suppress(*GONE, PermissionError):
        return list(folder.iterdir())
    return []


def _is_nameless(file: os.stat_result) -> bool:
    """Whether the program has removed it, so that no folder shows it."""
    return stat.S_ISREG(file.st_mode) and file.st_nlink == 0
