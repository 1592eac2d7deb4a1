"""What the two desks share: filters as links with counts, the place in the queue, and the reader's keys."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from web.keys import DESKS, Desk


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter: a link that narrows the queue to it."""

    words: str
    count: int
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands among those that wait, and how much of the whole is done."""

    position: int
    waiting: int
    done: int

    @property
    def total(self) -> int:
        return self.waiting + self.done


def asked_filters(asked: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """The filters of a desk that the address holds."""
    return {name: str(asked[name])[:100] for name in names if asked.get(name)}


def with_filters(address: str, asked: Mapping[str, str], **further: object) -> str:
    """The address with the filters kept on it."""
    query = urlencode({**asked, **further})
    return f"{address}?{query}" if query else address


def choices_of(name: str, counts: Mapping[str, int], *, asked: Mapping[str, str], address: str) -> list[Choice]:
    """The values of one filter, most frequent first, behind the way back to all of them."""
    others = {other: value for other, value in asked.items() if other != name}
    chosen = asked.get(name, "")
    named = sorted(((words, count) for words, count in counts.items() if words), key=lambda pair: (-pair[1], pair[0]))
    return [
        Choice("all", sum(counts.values()), with_filters(address, others), not chosen),
        *(
            Choice(words, count, with_filters(address, others, **{name: words}), words == chosen)
            for words, count in named
        ),
    ]


def keys_for(reader: Any, desk: str) -> Desk:
    """The keys of a desk; none for a reader who turned them off."""
    return DESKS[desk] if reader.keys_enabled else {}
