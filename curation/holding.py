"""Locks that the kernel takes from a dead process: whoever holds one is alive."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

# Somebody who only looks whether a lock is held has it for a moment.
TRIES, PAUSE_S = 5, 0.01


@dataclass(frozen=True, slots=True)
class Hold:
    """Something is held by whoever works on it. The lock ends with its process, even one that is killed."""

    path: Path
    file: int

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.file)


def hold(name: str) -> Hold:
    """Take the lock of that name; raises BlockingIOError while somebody else has it."""
    path = _path_of(name)
    path.parent.mkdir(exist_ok=True)
    for tries_left in reversed(range(TRIES)):
        file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return Hold(path, file)
        except BlockingIOError:
            if not tries_left:
                os.close(file)
                raise
            time.sleep(PAUSE_S)
        os.close(file)  # its holder has just removed it
    raise BlockingIOError(f"{name} is taken and given back all the time")


def is_held(name: str) -> bool:
    """Whether somebody works on it now."""
    try:
        file = os.open(_path_of(name), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def batch_lock(batch_id: int) -> str:
    """The lock that whoever imports into a batch holds."""
    return str(batch_id)


def _path_of(name: str) -> Path:
    database = Path(str(connection.settings_dict["NAME"])).name
    return Path(settings.VAR_DIR) / "imports" / f"{database}-{name}.lock"


def _is_at(path: Path, file: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False
