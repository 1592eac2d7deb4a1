"""One measured figure beside what it is held against: a row of the table, an object of bench.json."""

from dataclasses import dataclass
from typing import Any, Literal

COLUMNS = f"{'name':<40} {'database':<11} {'value':>12} {'limit':>12} {'ratio':>8}   {'target':<12} ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured. The target, if there is one, bounds `value / limit` when `relative`, and `value` otherwise."""

    name: str
    value: float
    unit: str
    target: float | None
    # What something that ran beside it needed, in the same unit.
    limit: float | None = None
    relative: bool = False
    bound: Literal["≤", "≥"] = "≤"
    database: str | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the limit it is, where the target speaks of that."""
        return self.value / self.limit if self.relative and self.limit else None

    @property
    def ok(self) -> bool:
        """Whether the target is met; a figure without one is there to be known."""
        if self.target is None:
            return True
        held = self.value if self.ratio is None else self.ratio
        return held <= self.target if self.bound == "≤" else held >= self.target

    def as_json(self) -> dict[str, Any]:
        """The object of bench.json."""
        names = ("name", "value", "unit", "limit", "ratio", "target", "ok", "database")
        return {name: getattr(self, name) for name in names}

    def as_row(self) -> str:
        """The row of the table."""
        value, limit = _with_unit(self.value, self.unit), _with_unit(self.limit, self.unit)
        target = (
            "–" if self.target is None else f"{self.bound} {_short(self.target)} {'×' if self.relative else self.unit}"
        )
        measured = f"{self.name:<40} {self.database or '–':<11} {value:>12} {limit:>12} {_short(self.ratio):>8}"
        return f"{measured}   {target:<12} {'yes' if self.ok else 'NO'}"


def _with_unit(number: float | None, unit: str) -> str:
    return "–" if number is None else f"{_short(number)} {unit}"


def _short(number: float | None) -> str:
    if number is None:
        return "–"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
