"""What the desks share: handing out items, filters as links with counts, the place in the queue, the reader's keys."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from web.claims import ClaimableQuerySet
from web.keys import DESKS, Desk
from web.pages import asks_for_part, page_or_part

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Queue:
    """One desk's queue: its addresses and filters (name in the address → column), its templates, and its words."""

    view: str
    item_view: str
    filters: Mapping[str, str]
    template: str
    decision_part: str
    title: str
    heading: str
    name: str
    what: str
    decided: str

    def asked(self, request: HttpRequest) -> dict[str, str]:
        """The filters that the address holds."""
        return asked_filters(request.GET, self.filters)

    def only(self, request: HttpRequest) -> dict[str, str]:
        """The same by column."""
        return {self.filters[name]: value for name, value in self.asked(request).items()}

    def address(self, request: HttpRequest, **further: object) -> str:
        """Of the queue, with the filters kept."""
        return with_filters(reverse(self.view), self.asked(request), **further)

    def item_address(self, request: HttpRequest, pk: int, **further: object) -> str:
        """Of one item, with the filters kept."""
        return with_filters(reverse(self.item_view, args=[pk]), self.asked(request), **further)


@dataclass(frozen=True, slots=True)
class Saved:
    """The reader's last decision, and where it is undone."""

    at: datetime
    words: str
    undo_address: str


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

    @property
    def is_among(self) -> bool:
        """Whether the item can be one of those that wait; one that was opened by its address need not be."""
        return self.position <= self.waiting


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


def given_back(request: HttpRequest, rows: ClaimableQuerySet, *, by_id: int) -> int | None:
    """The key of the item that the reader moves away from; the others may have it now."""
    pk = request.GET.get("after") or request.GET.get("before") or ""
    if not pk.isdecimal():
        return None
    rows.release(int(pk), by_id=by_id)
    return int(pk)


def moved(
    request: HttpRequest,
    left: Item | None,
    *,
    onward: Callable[[Item | None], Item | None],
    back: Callable[[Item], Item | None],
) -> Item | None:
    """The item that the reader meets next, in the direction of the address; past either end the queue begins anew."""
    found = back(left) if "before" in request.GET and left is not None else onward(left)
    return found or onward(None)


def show_desk(
    request: HttpRequest,
    queue: Queue,
    item: tuple[str, int] | None,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    part: str = "_desk_part.html",
) -> HttpResponse:
    """The desk with an item (what it is called, its key) or without; an item handed out by htmx brings its address."""
    asked = queue.asked(request)
    frame: dict[str, Any] = {
        "queue": queue,
        "asked": asked,
        "kept_filters": with_filters("", asked),
        "heading": queue.heading,
        "title": queue.title,
    }
    if item is not None:
        name, pk = item
        frame["heading"] = f"{name} {pk}"
        frame["title"] = f"{name} {pk} · {queue.title}"
        frame["next_address"] = queue.address(request, after=pk)
        frame["previous_address"] = queue.address(request, before=pk)
    response = page_or_part(request, "desk.html", part, frame | {**context}, status=status)
    if asks_for_part(request) and status == 200:
        response["HX-Push-Url"] = _address_shown(request, queue, item)
    return response


def _address_shown(request: HttpRequest, queue: Queue, item: tuple[str, int] | None) -> str:
    """Where the desk stands now: an item that another address handed out has one of its own."""
    if item is None:
        return queue.address(request)
    own = queue.item_address(request, item[1])
    is_own = request.method == "GET" and request.path == own.partition("?")[0]
    return request.get_full_path() if is_own else own
