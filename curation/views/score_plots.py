"""Places of lines and marks in the charts of the score pages; the templates draw them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curation.decisions.foreseeing import Outlook
from curation.scores.linking import LEVELS, LinkTable

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 28, 40


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, with its words."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot; `number` chooses its colour and dashes."""

    name: str
    number: int
    points: str
    marks: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart with lines over a grid."""

    lines: Sequence[Line]
    across: Sequence[Tick]
    up: Sequence[Tick]
    diagonal: tuple[float, float, float, float] | None = None

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def _x(level: float) -> float:
    return round(LEFT + (level - 1) / 4 * (WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _line(name: str, number: int, places: Sequence[tuple[float, float]]) -> Line:
    return Line(name, number, " ".join(f"{x},{y}" for x, y in places), places)


def link_plot(tables: Mapping[str, LinkTable]) -> Plot:
    """Each template's levels on the anchor's scale; the diagonal is where both scales mean the same."""
    lines = [
        _line(name, number, [(_x(level), _y((table.onto_anchor(level) - 1) / 4)) for level in LEVELS])
        for number, (name, table) in enumerate(tables.items(), start=1)
    ]
    ticks = [Tick(_x(level), str(level)) for level in LEVELS]
    up = [Tick(_y((level - 1) / 4), str(level)) for level in LEVELS]
    return Plot(lines, ticks, up, diagonal=(_x(1), _y(0), _x(5), _y(1)))


def kept_plot(outlooks: Mapping[str, Sequence[Outlook]], whole: int) -> Plot:
    """The share of the pool that each rule keeps at each threshold."""
    lines = [
        _line(name, number, [(_x(one.rule.threshold), _y(one.kept / whole)) for one in row])
        for number, (name, row) in enumerate(outlooks.items(), start=1)
        if whole
    ]
    ticks = [Tick(_x(level), str(level)) for level in LEVELS]
    return Plot(lines, ticks, [Tick(_y(part / 4), f"{part * 25} %") for part in range(5)])
