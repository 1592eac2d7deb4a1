"""funnel: how many records of each source reached each step."""

from typing import Any

from dialogues.metrics import STEPS, funnel, reasons, totals
from web.commands import Outcome, StudioCommand

NAME_WIDTH = 24
REASONS_TOLD = 50


class Command(StudioCommand):
    help = "Count, per source and in total, the records that reached each step of the way."
    example = "manage.py funnel --json"

    def carry_out(self, **options: Any) -> Outcome:
        rows = funnel()
        total = totals(rows)
        result = {
            "sources": [{"source": slug, **row, "reasons": _reasons(slug, row)} for slug, row in rows.items()],
            "total": {**total, "reasons": _reasons("", total)},
        }
        if not rows:
            return Outcome(result, ["There are no sources yet; import_queries makes the first."])
        return Outcome(result, _table({**rows, "total": total}))


def _reasons(source: str, row: dict[str, int]) -> dict[str, int]:
    """Why records were rejected; what is rarer than the most frequent reasons stands together under `other`."""
    told = dict(reasons(source, most=REASONS_TOLD)) if row["rejected"] else {}
    other = row["rejected"] - sum(told.values())
    return told | ({"other": other} if other else {})


def _table(columns: dict[str, dict[str, int]]) -> list[str]:
    """A line for each step, a column for each source."""
    widths = {name: max(9, len(name[:NAME_WIDTH])) for name in columns}
    heading = " ".join(f"{name[:NAME_WIDTH]:>{width}}" for name, width in widths.items())
    lines = [
        f"{step.replace('_', ' '):<22} "
        + " ".join(f"{columns[name][step]:>{width},}" for name, width in widths.items())
        for step in STEPS
    ]
    return [f"{'':<22} {heading}", *lines]
