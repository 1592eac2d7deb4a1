"""What a run may use and what came of it: the records that cross the border of this package."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Literal

MEBIBYTE = 1024 * 1024

Phase = Literal["compile", "run"]


class Status(StrEnum):
    """How a run ended; SANDBOX_ERROR is our failure and never the program's."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_LIMIT = "output_limit"
    COMPILE_ERROR = "compile_error"
    SIGNAL = "signal"
    SANDBOX_ERROR = "sandbox_error"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most one program may use; compilers get `compile_s` on top of the wall time."""

    wall_s: float = 10.0
    compile_s: float = 20.0
    cpu_s: int = 10
    memory_mb: int = 512
    tree_memory_factor: float = 1.2
    processes: int = 64
    file_mb: int = 16
    disk_mb: int = 64
    entries: int = 20_000  # files and folders: empty ones cost kernel memory that no size limit counts
    open_files: int = 256
    keep_bytes: int = 64 * 1024
    kill_bytes: int = 8 * MEBIBYTE

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"limit {field.name} must be above 0, not {value!r}")

    @property
    def tree_memory_bytes(self) -> int:
        """What all processes of a program may use together."""
        return int(self.memory_mb * self.tree_memory_factor * MEBIBYTE)


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class RunResult:
    """One program's run. `stdout` and `stderr` are shortened in the middle when `truncated`."""

    status: Status
    stdout: str
    stderr: str
    exit_code: int | None
    signal: int | None
    truncated: bool
    stdout_bytes: int
    stderr_bytes: int
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    phase: Phase
    backend: str
    runtime: str
