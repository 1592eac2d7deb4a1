"""Write a file so that under its name there is the old one or the whole new one, never a half."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path
from uuid import uuid4

OPEN_FILES = Path("/proc/self/fd")


@contextmanager
def whole_file(path: Path) -> Iterator[BufferedWriter]:
    """A file to write to, which takes its name when the block ends well.

    Until then it has no name at all where the system allows that, so that a killed process leaves nothing behind.
    """
    waiting = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    descriptor = _open_unnamed(path.parent)
    try:
        with waiting.open("xb") if descriptor is None else os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if descriptor is not None:
                _give_name(file.fileno(), waiting)
        waiting.replace(path)
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _open_unnamed(folder: Path) -> int | None:
    """A file without a name in that folder; None where the system has no such thing."""
    with suppress(AttributeError, OSError):
        if OPEN_FILES.is_dir():
            return os.open(folder, os.O_WRONLY | os.O_TMPFILE, 0o666)
    return None


def _give_name(descriptor: int, path: Path) -> None:
    # With a folder's descriptor Python follows the link under /proc, which leads to the open file.
    folder = os.open(OPEN_FILES, os.O_RDONLY)
    try:
        os.link(str(descriptor), path, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
