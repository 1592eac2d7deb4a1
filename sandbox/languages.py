"""The languages a sandbox can run, what each needs, and which of them this host has."""

import re
import shutil
import subprocess
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from .results import Limits

COMPILED_PROGRAM = "/box/main"
SEARCH_PATH = "/usr/bin:/bin:/usr/local/bin"
VERSION_TIMEOUT_S = 20.0
# A runtime that sees all cores of a big host starts more threads than a program may have processes.
PROCESSORS = "-XX:ActiveProcessorCount=2"


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table; the first word of `command` and of `compile` must be on the host.

    `aliases` are other names that fences and callers use; the name itself is the one that is stored.
    """

    name: str
    main_file: str
    command: tuple[str, ...]
    version_command: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    compile: tuple[str, ...] = ()
    # What a program is begun with in which this pattern is not found.
    opening: str = ""
    opened: str = ""
    # Runtimes that reserve far more addresses than they use break under RLIMIT_AS and get RLIMIT_DATA.
    memory_limit: Literal["address_space", "data"] = "address_space"
    # What the runtime needs at least, whatever the caller allows.
    memory_mb: int = 0
    processes: int = 0
    disk_mb: int = 0
    compile_s: float = 0.0
    # Patterns of what the runtime itself prints on standard error when memory ran out, or when it compiles
    # in the same step and refused the program.
    memory_message: str = ""
    compile_message: str = ""

    def fit(self, limits: Limits) -> Limits:
        """The limits raised to what this runtime needs to start at all."""
        return replace(
            limits,
            memory_mb=max(limits.memory_mb, self.memory_mb),
            processes=max(limits.processes, self.processes),
            disk_mb=max(limits.disk_mb, self.disk_mb),
            compile_s=max(limits.compile_s, self.compile_s),
        )

    def whole(self, code: str) -> str:
        """The program as its runtime takes it."""
        return code if re.search(self.opened, code) else self.opening + code

    @property
    def programs(self) -> set[str]:
        """What must be on the host."""
        return {self.version_command[0], *self.compile[:1], *self.command[:1]} - {COMPILED_PROGRAM}


TABLE = (
    Language(
        "python",
        "main.py",
        aliases=("py", "py3", "python3", "ipython"),
        command=("python3", "-I", "-B", "/box/main.py"),
        version_command=("python3", "--version"),
        memory_message=r"^[\w.]*MemoryError\b[^\n]*\s*\Z",
    ),
    Language(
        "javascript",
        "main.js",
        aliases=("js", "node", "nodejs", "mjs"),
        command=("node", "/box/main.js"),
        version_command=("node", "--version"),
        memory_limit="data",
        processes=128,
        memory_message=r"heap out of memory|Array buffer allocation failed",
    ),
    Language(
        "bash",
        "main.sh",
        aliases=("sh", "shell", "zsh"),
        command=("bash", "/box/main.sh"),
        version_command=("bash", "--version"),
        memory_message=r"cannot allocate",
    ),
    Language(
        "c",
        "main.c",
        compile=("gcc", "-O1", "-o", COMPILED_PROGRAM, "/box/main.c", "-lm", "-pthread"),
        command=(COMPILED_PROGRAM,),
        version_command=("gcc", "-dumpfullversion"),
    ),
    Language(
        "cpp",
        "main.cpp",
        aliases=("c++", "cc", "cxx", "hpp"),
        compile=("g++", "-O1", "-o", COMPILED_PROGRAM, "/box/main.cpp", "-pthread"),
        command=(COMPILED_PROGRAM,),
        version_command=("g++", "-dumpfullversion"),
        memory_message=r"std::bad_alloc",
    ),
    Language(
        # Compiles in memory and runs, so the public class may have any name.
        "java",
        "Main.java",
        command=("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", PROCESSORS, "/box/Main.java"),
        version_command=("java", "-version"),
        memory_limit="data",
        memory_mb=1024,
        processes=128,
        memory_message=r"java\.lang\.OutOfMemoryError",
        compile_message=r"^error: compilation failed\s*\Z",
    ),
    Language(
        "go",
        "main.go",
        aliases=("golang",),
        compile=("go", "build", "-p", "2", "-o", COMPILED_PROGRAM, "/box/main.go"),
        command=(COMPILED_PROGRAM,),
        version_command=("go", "version"),
        memory_limit="data",
        processes=128,
        disk_mb=512,
        # From 1.20 on Go brings its library as source and builds it with every program.
        compile_s=60,
        memory_message=r"runtime: out of memory|fatal error: .*out of memory",
    ),
    Language(
        "rust",
        "main.rs",
        aliases=("rs",),
        compile=("rustc", "--edition", "2021", "-O", "-o", COMPILED_PROGRAM, "/box/main.rs"),
        command=(COMPILED_PROGRAM,),
        version_command=("rustc", "--version"),
        memory_message=r"memory allocation of \d+ bytes failed",
    ),
    Language(
        "ruby",
        "main.rb",
        aliases=("rb",),
        command=("ruby", "/box/main.rb"),
        version_command=("ruby", "--version"),
        memory_message=r"failed to allocate memory",
    ),
    Language(
        "php",
        "main.php",
        # Outside its tags PHP only copies text, but nobody who asks for a run means that.
        opening="<?php ",
        opened=r"<\?(?:php|=)",
        # Errors belong on standard error; on the terminal PHP mixes them into the output.
        command=("php", "-n", "-d", "display_errors=stderr", "-d", "memory_limit=-1", "/box/main.php"),
        version_command=("php", "-n", "--version"),
        memory_message=r"Out of memory",
    ),
    Language(
        "perl",
        "main.pl",
        aliases=("pl",),
        command=("perl", "/box/main.pl"),
        version_command=("perl", "-e", "printf '%vd', $^V"),
        memory_message=r"^Out of memory",
    ),
    Language(
        "lua",
        "main.lua",
        command=("lua", "/box/main.lua"),
        version_command=("lua", "-v"),
        memory_message=r"not enough memory",
    ),
    Language(
        "sql",
        "main.sql",
        aliases=("sqlite", "sqlite3"),
        command=("sqlite3", "-batch", "-bail", ":memory:", ".read /box/main.sql"),
        version_command=("sqlite3", "--version"),
        memory_message=r"out of memory",
    ),
)
LANGUAGES = {language.name: language for language in TABLE}
NAMES = {name: language.name for language in TABLE for name in (language.name, *language.aliases)}


def canonical(name: str) -> str:
    """The one name of a language that goes by several; a name that no row has stays as it is."""
    return NAMES.get(name.strip().lower(), name)


def recipe(language: str, limits: Limits) -> dict[str, Any]:
    """How a program of the language is compiled and started, and its limits once they fit the runtime."""
    entry = LANGUAGES[canonical(language)]
    words = {"opening": entry.opening, "compile": list(entry.compile), "command": list(entry.command)}
    return words | {"limits": asdict(entry.fit(limits))}


def runtime(language: str) -> str:
    """The language with its version on this host, as "python 3.11.2"; empty when it is not here."""
    name = canonical(language)
    return _runtime(name) if name in LANGUAGES else ""


def languages() -> dict[str, str]:
    """Every language this host can run, with its version."""
    found = {name: runtime(name) for name in LANGUAGES}
    return {name: text.removeprefix(f"{name} ") for name, text in found.items() if text}


@cache
def _runtime(name: str) -> str:
    entry = LANGUAGES[name]
    if not all(map(find_program, entry.programs)):
        return ""
    version = _read_version(entry.version_command)
    return f"{name} {version}" if version else ""


def find_program(name: str) -> str | None:
    """Where a program stands that will also be there inside the sandbox, which sees only /usr."""
    path = shutil.which(name, path=SEARCH_PATH)
    if path is None or not str(Path(path).resolve()).startswith("/usr/"):
        return None
    return path


def _read_version(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
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
