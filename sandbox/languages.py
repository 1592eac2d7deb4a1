"""The languages a sandbox can run, what each needs, and which of them this host has."""

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from .results import Limits

SEARCH_PATH = "/usr/bin:/bin:/usr/local/bin"
VERSION_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table; the first word of `command` and of `compile` must be on the host."""

    name: str
    main_file: str
    command: tuple[str, ...]
    version_command: tuple[str, ...]
    compile: tuple[str, ...] = ()
    # Runtimes that reserve far more addresses than they use break under RLIMIT_AS and get RLIMIT_DATA.
    memory_limit: Literal["address_space", "data"] = "address_space"
    memory_mb: int = 0
    processes: int = 0
    # What the runtime itself prints on standard error when it found no more memory.
    memory_message: str = ""

    def fit(self, limits: Limits) -> Limits:
        """The limits raised to what this runtime needs to start at all."""
        return replace(
            limits,
            memory_mb=max(limits.memory_mb, self.memory_mb),
            processes=max(limits.processes, self.processes),
        )


LANGUAGES = {
    language.name: language
    for language in (
        Language(
            "python",
            "main.py",
            ("python3", "-I", "-B", "/box/main.py"),
            ("python3", "--version"),
            memory_message=r"^MemoryError\b",
        ),
    )
}


@cache
def runtime(language: str) -> str:
    """The language with its version on this host, as "python 3.11.2"; empty when it is not here."""
    entry = LANGUAGES.get(language)
    if entry is None or not all(map(find_program, {entry.command[0], entry.version_command[0], *entry.compile[:1]})):
        return ""
    version = _read_version(entry.version_command)
    return f"{language} {version}" if version else ""


def languages() -> dict[str, str]:
    """Every language this host can run, with its version."""
    found = {name: runtime(name) for name in LANGUAGES}
    return {name: text.removeprefix(f"{name} ") for name, text in found.items() if text}


def find_program(name: str) -> str | None:
    """Where a program stands that will also be there inside the sandbox, which sees only /usr."""
    path = shutil.which(name, path=SEARCH_PATH)
    if path is None or not str(Path(path).resolve()).startswith("/usr/"):
        return None
    return path


def _read_version(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a command of the table above
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": SEARCH_PATH, "LANG": "C.UTF-8"},
            timeout=VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(rb"\d+(?:\.\d+)+[\w.+~-]*", done.stdout)
    return match[0].decode() if done.returncode == 0 and match else ""
