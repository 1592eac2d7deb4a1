"""A request that arrived at the demo server: what is drawn by lot for it, how long it waits, its line in the log."""

import hashlib
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Arrival:
    """The how-manieth request with the same body; a draw depends on nothing else, so the order of requests is free."""

    digest: bytes
    number: int = 1

    def draw(self, seed: int, purpose: str) -> float:
        """A number of at least 0 and less than 1."""
        lot = f"{seed} {self.number} {purpose} ".encode() + self.digest
        return (int.from_bytes(hashlib.blake2b(lot, digest_size=8).digest(), "big") >> 11) / 2**53


class BadLatency(ValueError):
    """A wish for a latency that cannot be read."""


@dataclass(frozen=True)
class Latency:
    """How long every answer takes: a time, or one drawn between two."""

    least_s: float = 0.0
    most_s: float = 0.0
    seed: int = 0

    def of(self, arrival: Arrival) -> float:
        if self.least_s == self.most_s:
            return self.least_s
        return self.least_s + (self.most_s - self.least_s) * arrival.draw(self.seed, "latency")


def parse_latency(text: str, seed: int = 0) -> Latency:
    """`0.2`, or `0.2-2` for a time drawn between the two."""
    least, dash, most = text.partition("-")
    try:
        latency = Latency(float(least), float(most if dash else least), seed)
    except ValueError:
        raise BadLatency(f"latency {text!r} is no number of seconds; write it like 0.2 or 0.2-2") from None
    if not (math.isfinite(latency.most_s) and 0 <= latency.least_s <= latency.most_s):
        raise BadLatency(f"latency {text!r} is out of range; write the shorter time first, like 0.2-2")
    return latency


class ArrivalLog:
    """One JSON line per event, in the file before the next thing happens: whoever kills a process can read it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def note(self, event: str, arrival: Arrival, in_flight: int, fault: str = "") -> None:
        """`event` is arrived, answered, failed, or cut off by the client."""
        line = {"at": time.time(), "event": event, "key": arrival.digest.hex()[:16], "in_flight": in_flight}
        if fault:
            line["fault"] = fault
        os.write(self._file, json.dumps(line).encode() + b"\n")
