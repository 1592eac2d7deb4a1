"""A job: one program with its language, input, files and limits, checked before anything starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .languages import Language
from .results import Limits

MOST_FILES = 200


class BadJob(ValueError):
    """The caller asked for something no backend can do."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a backend gets. `files` begins with the program itself; limits already fit the language."""

    language: Language
    runtime: str
    files: tuple[tuple[str, bytes], ...]
    stdin: bytes
    limits: Limits


def make_job(
    code: str,
    language: Language,
    runtime: str,
    *,
    stdin: bytes,
    files: Sequence[tuple[str, bytes]],
    limits: Limits,
) -> Job:
    """The job with the code as its first file; raises BadJob for files that cannot stand beside it."""
    # A lone surrogate has no UTF-8 form; its three bytes reach the interpreter, which then says what is wrong.
    program = (language.main_file, code.encode("utf-8", "surrogatepass"))
    if len(files) > MOST_FILES:
        raise BadJob(f"{len(files)} files are too many, at most {MOST_FILES} go with a program")
    seen = {language.main_file}
    for name, _ in files:
        _check_name(name, seen)
        seen.add(name)
    return Job(language, runtime, (program, *files), stdin, language.fit(limits))


def _check_name(name: str, seen: set[str]) -> None:
    path = PurePosixPath(name)
    if str(path) != name or path.is_absolute() or ".." in path.parts or "\0" in name or name == ".":
        raise BadJob(f"file name {name!r} must be a plain relative path such as data/input.txt")
    if name in seen or any(str(parent) in seen for parent in path.parents):
        raise BadJob(f"file name {name!r} is taken by another file of the job")
