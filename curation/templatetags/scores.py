"""Filters of the pages about scores."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template

from curation.scores.rubric_report import Report
from curation.scores.worth import Twins

register = template.Library()


@register.filter
def named(things: Mapping[str, Any], name: str) -> Any:
    """The thing of that name."""
    return things[name]


@register.filter
def at_level(values: Sequence[Any], level: int) -> Any:
    """What stands for a level, 1 to 5."""
    return values[level - 1]


@register.filter
def spaced(name: str) -> str:
    """The name of a rule as people read it."""
    return name.replace("_", " ")


@register.filter
def percent(share: float) -> str:
    """71.4 %."""
    return f"{100 * share:.1f} %"


@register.filter
def price_ratio(report: Report, pair: Twins) -> float | None:
    """How many times the price of an answer with the score first one with the reason first costs."""
    return report.price_ratio(pair)
