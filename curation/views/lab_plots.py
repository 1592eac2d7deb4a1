"""Places of marks and intervals in the charts of the rubric lab; the template draws them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from curation.scores.intervals import Figure
from curation.scores.rubric_report import Report

WIDTH, ROW, TOP, FOOT, SIDE = 480, 38, 8, 30, 10


@dataclass(frozen=True, slots=True)
class Mark:
    """One arm: its words, the place of its value, and the ends of its interval; None where there is none."""

    words: str
    y: float
    x: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure of all arms over an axis."""

    name: str
    title: str
    marks: Sequence[Mark]
    ticks: Sequence[tuple[float, str]]

    width, side = WIDTH, SIDE

    @property
    def height(self) -> int:
        return TOP + ROW * len(self.marks) + FOOT

    @property
    def bottom(self) -> int:
        return self.height - FOOT

    @property
    def is_empty(self) -> bool:
        return all(mark.x is None for mark in self.marks)


def panels(report: Report) -> list[Panel]:
    """Agreement with people and between templates, spread, and the share that could not be read."""
    names = report.names()
    people = [(name, arm.with_people["kappa"]) for name, arm in zip(names, report.arms, strict=True)]
    between = [
        (f"{name} with {other}", found["kappa"])
        for name, arm in zip(names, report.arms, strict=True)
        for other, _, found in arm.with_templates
        if other > str(arm.judge.template)  # each pair once
    ]
    spread = [(name, arm.spread) for name, arm in zip(names, report.arms, strict=True)]
    unreadable = [(name, arm.unreadable_share) for name, arm in zip(names, report.arms, strict=True)]
    return [
        _panel("people", "Agreement with people, kappa", people, _least(people), 1.0),
        _panel("between", "Agreement between templates, kappa", between, _least(between), 1.0),
        _panel("spread", "Spread, standard deviation of the levels", spread, 0.0, 2.0),
        _panel("unreadable", "Unreadable, share of replies", unreadable, 0.0, _most(unreadable), is_share=True),
    ]


def _least(rows: Sequence[tuple[str, Figure]]) -> float:
    """Where an axis of kappas begins: at 0, or at -1 where something lies below."""
    return -1.0 if any((figure.low if figure.low is not None else figure.value or 0) < 0 for _, figure in rows) else 0.0


def _most(rows: Sequence[tuple[str, Figure]]) -> float:
    """Where an axis of shares ends: the smallest of these that holds all."""
    highest = max((figure.high or figure.value or 0.0 for _, figure in rows), default=0.0)
    return next(end for end in (0.1, 0.2, 0.5, 1.0) if highest <= end)


def _panel(
    name: str, title: str, rows: Sequence[tuple[str, Figure]], start: float, end: float, *, is_share: bool = False
) -> Panel:
    def x(value: float | None) -> float | None:
        if value is None:
            return None
        inside = min(1.0, max(0.0, (value - start) / (end - start)))
        return round(SIDE + inside * (WIDTH - 2 * SIDE), 1)

    marks = [
        Mark(words, TOP + ROW * number, x(figure.value), x(figure.low), x(figure.high))
        for number, (words, figure) in enumerate(rows)
    ]
    steps = [start + (end - start) * part / 4 for part in range(5)]
    ticks = [
        (place, f"{100 * step:g} %" if is_share else f"{step:g}") for step in steps if (place := x(step)) is not None
    ]
    return Panel(name, title, marks, ticks)
