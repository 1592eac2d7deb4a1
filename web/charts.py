"""Charts as SVG made on the server: numbers in, places of shapes out; the template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

# A bar is drawn in a box of this width, whatever its width on the page.
BOX_WIDTH = 1000.0
# What is there is seen, however small its share.
LEAST_WIDTH = 4.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar, from `x` on, in units of the box."""

    name: str
    x: float
    width: float


def bar(parts: Sequence[tuple[str, int]], *, whole: int) -> list[Segment]:
    """The parts of a bar side by side; the bar itself is as long as their sum is of the whole."""
    shown = [(name, count) for name, count in parts if count > 0]
    if not shown or whole <= 0:
        return []
    length = max(BOX_WIDTH * sum(count for _, count in shown) / whole, LEAST_WIDTH * len(shown))
    room = length - LEAST_WIDTH * len(shown)
    total, x, segments = sum(count for _, count in shown), 0.0, []
    for name, count in shown:
        width = LEAST_WIDTH + room * count / total
        segments.append(Segment(name, round(x, 2), round(width, 2)))
        x += width
    return segments
