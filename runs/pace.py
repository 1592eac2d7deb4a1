"""How fast a run goes and how long it will still take, from its rate samples. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

# The rate is that of the last minutes: an average over a pause would say nothing about the time left.
LOOKED_BACK_S = 180.0
# A worker notes a sample every other second; without one for so long nobody is at it.
SILENT_AFTER_S = 30.0

Samples = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Items per second, and seconds until the open items have ended."""

    items_per_s: float
    left_s: float


def pace_of(samples: Samples, *, items_open: int, at: float) -> Pace | None:
    """The pace by the samples (epoch seconds, items ended); None while nothing can be said."""
    if not samples or silence_s(samples, at=at) > SILENT_AFTER_S:
        return None
    newest_at, newest = samples[-1]
    recent = [sample for sample in samples if newest_at - sample[0] <= LOOKED_BACK_S]
    oldest_at, oldest = recent[0]
    if newest_at <= oldest_at or newest <= oldest:
        return None
    items_per_s = (newest - oldest) / (newest_at - oldest_at)
    return Pace(items_per_s, items_open / items_per_s)


def silence_s(samples: Samples, *, at: float) -> float:
    """Seconds since the last sample."""
    return max(0.0, at - samples[-1][0]) if samples else float("inf")
