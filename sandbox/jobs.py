"""A job: one program with its language, input, files and limits, checked before anything starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .languages import Language
from .results import Limits

MOST_FILES = 200
LONGEST_NAME_BYTES = 200


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
    # A descriptor that can be read from once nobody waits for the result any more: the program is then ended.
    abandoned: int | None = None


def make_job(
    code: str,
    language: Language,
    runtime: str,
    *,
    stdin: bytes,
    files: Sequence[tuple[str, bytes]],
    limits: Limits,
    abandoned: int | None = None,
) -> Job:
    """The job with the code as its first file; raises BadJob for files that cannot stand beside it."""
    check_files(language.main_file, files)
    # A lone surrogate has no UTF-8 form; its three bytes reach the interpreter, which then says what is wrong.
    program = (language.main_file, language.whole(code).encode("utf-8", "surrogatepass"))
    return Job(language, runtime, (program, *files), stdin, language.fit(limits), abandoned)


def check_files(main_file: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Raise BadJob unless all files can stand beside the program and beside one another."""
    if len(files) > MOST_FILES:
        raise BadJob(f"{len(files)} files are too many, at most {MOST_FILES} go with a program")
    seen, folders = {main_file}, set[str]()
    for name, _ in files:
        _check_name(name)
        above = {str(parent) for parent in PurePosixPath(name).parents}
        if name in seen | folders or above & seen:
            raise BadJob(f"file name {name!r} is taken by another file of the job")
        seen.add(name)
        folders |= above


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    plain = str(path) == name and not path.is_absolute() and ".." not in path.parts and name != "."
    if not plain or not name.isprintable():
        raise BadJob(f"file name {name!r} must be a plain relative path such as data/input.txt")
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise BadJob(f"file name {name[:40]!r}... is longer than {LONGEST_NAME_BYTES} bytes")
