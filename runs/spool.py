"""What left the house and what came back, on disk before anything else: it outlives the process that wrote it.

A spool belongs to one worker. Before a request leaves, a line `sent` is appended; when its outcome is there, a line
`got` with an ordinal. The database keeps how many outcomes are written down (`Worker.outcomes`), in the transaction
that writes them, so that whoever reads the spool of a dead worker counts nothing twice. Lines are in the page cache
when a call returns: they survive SIGKILL, not a power cut.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from runs.outcomes import Outcome, Sent

# A segment is left behind at this size, and removed when everything in it stands in the database.
SEGMENT_BYTES = 16 * 1024 * 1024


class SpoolFull(OSError):
    """The spool takes no further line: nothing may be sent that cannot be remembered."""


@dataclass
class _Segment:
    """One file of a spool, and which of the attempts begun in it are not in the database yet."""

    path: Path
    file: int
    size: int = 0
    unsettled: set[int] = field(default_factory=set)


class Spool:
    """The spool of a living worker; its lock file stays locked as long as the process lives."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Locked before it has its name: nobody may find it unheld and take its worker for dead.
            unnamed = folder / f"{name}.locking"
            self._lock = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(folder / f"{name}.lock")
        except OSError as error:
            raise _full(folder, error) from error
        self._attempts = self.outcomes = self._made = 0
        self._segments: list[_Segment] = []
        self._segment_of: dict[int, _Segment] = {}

    def sent(self, sent: Sent) -> int:
        """Note that a question leaves now; the number of the attempt. SpoolFull: it must not leave."""
        number = self._attempts + 1
        segment = self._current()
        _append(segment, sent.line(number))
        self._attempts = number
        segment.unsettled.add(number)
        self._segment_of[number] = segment
        return number

    def got(self, number: int, outcome: Outcome) -> int:
        """Note what came of an attempt; its ordinal among the outcomes, which the database counts."""
        self.outcomes += 1
        _append(self._segment_of[number], outcome.line(number, self.outcomes))
        return self.outcomes

    def settled(self, number: int) -> None:
        """The outcome of an attempt stands in the database; files of which nothing is needed any more go."""
        segment = self._segment_of.pop(number)
        segment.unsettled.discard(number)
        if not segment.unsettled and segment is not self._segments[-1]:
            self._segments.remove(segment)
            _remove(segment)

    def close(self) -> bool:
        """Let go of the files; they are removed when everything in them stands in the database (True)."""
        whole = not self._segment_of
        for segment in self._segments:
            if whole:
                segment.path.unlink(missing_ok=True)
            os.close(segment.file)
        if whole:
            (self.folder / f"{self.name}.lock").unlink(missing_ok=True)
        os.close(self._lock)
        return whole

    def _current(self) -> _Segment:
        if not self._segments or self._segments[-1].size >= SEGMENT_BYTES:
            self._made += 1
            path = self.folder / f"{self.name}.{self._made:06}.jsonl"
            try:
                file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
            except OSError as error:
                raise _full(path, error) from error
            self._segments.append(_Segment(path, file))
            if len(self._segments) > 1 and not self._segments[-2].unsettled:
                _remove(self._segments.pop(-2))
        return self._segments[-1]


class DeadSpool:
    """The spool of a worker whose process is gone, locked by whoever reads it now."""

    def __init__(self, folder: Path, name: str, lock: int) -> None:
        self.folder, self.name, self._lock = folder, name, lock
        # Files with a line that nobody can read, as a failing disk leaves them: all else in them counts.
        self.damaged: set[Path] = set()

    @classmethod
    def all_in(cls, folder: Path) -> Iterator[Self]:
        """Every spool there that no living process holds, one at a time; each is let go of afterwards."""
        for path in sorted(folder.glob("*.lock")):
            try:
                lock = os.open(path, os.O_RDWR)
            except FileNotFoundError:  # its worker ended properly a moment ago
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists():
                    yield cls(folder, path.stem, lock)
            except BlockingIOError:
                continue
            finally:
                os.close(lock)

    def read(self) -> tuple[dict[int, Sent], list[tuple[int, int, Outcome]]]:
        """Attempts by number, and their outcomes as (ordinal, attempt, outcome), oldest first.

        A line that was cut off by the death of its writer says nothing and is left out.
        """
        attempts: dict[int, Sent] = {}
        outcomes: list[tuple[int, int, Outcome]] = []
        for path in sorted(self.folder.glob(f"{self.name}.*.jsonl")):
            for line in _whole_lines(path):
                try:
                    _read_line(json.loads(line), attempts, outcomes)
                except (ValueError, KeyError, TypeError, ArithmeticError):
                    self.damaged.add(path)
        return attempts, sorted(outcomes, key=lambda one: one[0])

    def remove(self) -> None:
        """Its files go; damaged ones stay aside, for a person."""
        for path in self.folder.glob(f"{self.name}.*.jsonl"):
            if path in self.damaged:
                path.rename(path.with_suffix(".damaged"))
            else:
                path.unlink(missing_ok=True)
        (self.folder / f"{self.name}.lock").unlink(missing_ok=True)


def house(folder: Path) -> str:
    """The name of the machine as leases carry it: one for all processes that share this folder, also after a restart.

    A container gets another host name with each start; the folder is what stays.
    """
    path = folder / "house"
    try:
        return path.read_text() if path.exists() else _name_house(path)
    except OSError as error:
        raise _full(path, error) from error


def _name_house(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.parent / f"house-{uuid4().hex}"
    try:
        made.write_text(f"{socket.gethostname()[:90]}/{uuid4().hex[:8]}")
        os.link(made, path)
    except FileExistsError:
        return path.read_text()  # whoever comes second takes the first one's name
    finally:
        made.unlink(missing_ok=True)
    return path.read_text()


def _append(segment: _Segment, line: bytes) -> None:
    try:
        written = os.write(segment.file, line)
        if written < len(line):  # the rest says why
            written += os.write(segment.file, line[written:])
        if written < len(line):
            raise OSError(f"only {written} of {len(line)} bytes were taken")
    except OSError as error:
        os.ftruncate(segment.file, segment.size)
        raise _full(segment.path, error) from error
    segment.size += len(line)


def _full(path: Path, error: OSError) -> SpoolFull:
    return SpoolFull(
        f"the spool {path} cannot be written ({error.strerror or error}), so no question is sent; "
        "make room there, or move VAR_DIR, and resume the run"
    )


def _remove(segment: _Segment) -> None:
    os.close(segment.file)
    segment.path.unlink(missing_ok=True)


def _read_line(record: dict[str, Any], attempts: dict[int, Sent], outcomes: list[tuple[int, int, Outcome]]) -> None:
    if "sent" in record:
        attempts[record["sent"]] = Sent.of(record)
    elif record["got"] in attempts:
        outcomes.append((record["ordinal"], record["got"], Outcome.of(attempts[record["got"]], record)))


def _whole_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as lines:
        yield from (line for line in lines if line.endswith(b"\n"))
