"""Which requests of the demo server fail, and how: by a request's header, the next few, or a share of all by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm.demo_arrivals import Arrival
from llm.demo_faults import BadFault, Fault, parse_fault

HEADER = "x-demo-fault"
FIELDS = ("fault", "rate", "faults", "seed", "next")


@dataclass(frozen=True)
class Share:
    """A fault, and what part of the requests it befalls."""

    fault: Fault
    rate: float = 1.0


@dataclass
class FaultPlan:
    """The faults of the next `left` requests; None left means of all of them.

    Which requests fail follows from the seed, a request's body and how often that body came: a run can be repeated,
    in whatever order its requests arrive, and a second try of a request has luck of its own.
    """

    shares: Sequence[Share] = ()
    seed: int = 0
    left: int | None = None

    def __post_init__(self) -> None:
        if (total := sum(share.rate for share in self.shares)) > 1 + 1e-9:
            raise BadFault(f"the rates add up to {total:g}; together they are at most 1")

    def take(self, header: str | None, arrival: Arrival) -> Fault | None:
        """The fault of the request at hand."""
        if header:
            return parse_fault(header)
        if not self.shares or self.left == 0:
            return None
        if self.left is not None:
            self.left -= 1
        draw = arrival.draw(self.seed, "fault")
        for share in self.shares:
            if draw < share.rate:
                return share.fault
            draw -= share.rate
        return None

    def as_json(self) -> dict[str, Any]:
        faults = [{"fault": str(share.fault), "rate": share.rate} for share in self.shares]
        return {"faults": faults, "seed": self.seed, "next": self.left}


def plan_of_wish(wish: Mapping[str, Any]) -> FaultPlan:
    """`{"fault": "429=2", "rate": 0.3, "seed": 7}`, `{"fault": "500", "next": 3}`, several as
    `{"faults": [{"fault": "429", "rate": 0.3}, {"fault": "cut", "rate": 0.01}], "seed": 7}`; `{"fault": null}` ends it.
    """
    if unknown := sorted(wish.keys() - set(FIELDS)):
        raise BadFault(f"unknown field {', '.join(unknown)}; the fields are {', '.join(FIELDS)}")
    if ("fault" in wish) == ("faults" in wish):
        raise BadFault("name one fault, or a list of faults; an end of them is {'fault': null}")
    entries = wish.get("faults", [wish] if wish.get("fault") is not None else [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "fault" in entry for entry in entries):
        raise BadFault("faults should be a list of objects such as {'fault': '429', 'rate': 0.3}")
    shares = [Share(parse_fault(str(entry["fault"])), _rate(entry.get("rate", 1))) for entry in entries]
    return FaultPlan(shares, _whole("seed", wish.get("seed", 0), 0), _whole_or_none("next", wish.get("next"), 1))


def plan_of_options(options: Sequence[str], seed: int) -> FaultPlan:
    """`429:0.3`, `cut:0.01`; a fault without a rate befalls every request."""
    shares = []
    for option in options:
        fault, colon, rate = option.partition(":")
        shares.append(Share(parse_fault(fault), _rate(rate if colon else 1)))
    return FaultPlan(shares, seed)


def _rate(value: object) -> float:
    try:
        rate = float(value) if isinstance(value, int | float | str) else -1.0
    except ValueError:
        rate = -1.0
    if not 0 < rate <= 1:
        raise BadFault(f"rate {value!r} is out of range; write a share above 0 and at most 1, such as 0.3")
    return rate


def _whole_or_none(name: str, value: object, least: int) -> int | None:
    return None if value is None else _whole(name, value, least)


def _whole(name: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BadFault(f"{name} {value!r} is out of range; write a whole number of at least {least}")
    return value
