"""Keyset paging: a page begins after a row, never after a count, so page 1,000 costs what page 1 does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from web.search import matching_keys, words_of

Row = TypeVar("Row", bound=Model)

PAGE_SIZE = 50


class BadCursor(ValueError):
    """The address names a row that no page can begin after."""


@dataclass(frozen=True, slots=True)
class Order:
    """By one column and then the key. The column must not be null, and an index must lead with it (or be the key)."""

    column: str = "pk"
    descending: bool = True
    key_descending: bool = True

    def fields(self, *, backwards: bool) -> list[str]:
        """The arguments of order_by."""
        key = _arrow(self.key_descending, backwards) + "pk"
        return [key] if self.column == "pk" else [_arrow(self.descending, backwards) + self.column, key]

    def beyond(self, cursor: str, *, backwards: bool) -> Q:
        """Rows after the cursor's row in this order (before it, when backwards)."""
        value, key = _read(cursor, self.column)
        behind_key = Q(**{f"pk__{_side(self.key_descending, backwards)}": key})
        if self.column == "pk":
            return behind_key
        side = _side(self.descending, backwards)
        # The first condition alone lets the database enter its index at the right place.
        return Q(**{f"{self.column}__{side}e": value}) & (Q(**{f"{self.column}__{side}": value}) | behind_key)

    def cursor(self, row: Model) -> str:
        """What an address says to begin after this row."""
        return str(row.pk) if self.column == "pk" else f"{getattr(row, self.column)!r}~{row.pk}"


NEWEST_FIRST = Order()


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the cursors of the pages before and after them (empty: there is none)."""

    rows: list[Row]
    before: str = ""
    after: str = ""

    @property
    def is_whole(self) -> bool:
        """There is no other page."""
        return not self.before and not self.after


def page_of(
    rows: QuerySet[Row],
    asked: Mapping[str, Any],
    *,
    shown: QuerySet[Row] | None = None,
    order: Order = NEWEST_FIRST,
    search: str = "",
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """The page that `after` or `before` in the address asks for; an unreadable cursor gives the first page.

    `rows` says which rows there are; `shown`, where given, says how to read those of one page (joins, columns).
    Keys are found first, from an index alone, so that a wide row is read only when it is shown. With a search the
    rows come in the order of their key.
    """
    order = Order(descending=order.key_descending) if words_of(search) else order
    cursor, backwards = _asked_place(asked, order)
    keys = _keys(rows, order, cursor, backwards=backwards, search=search, limit=size + 1)
    more, keys = len(keys) > size, keys[:size]
    if backwards:
        keys.reverse()
    readable = rows.model._default_manager.all() if shown is None else shown
    by_key = {row.pk: row for row in readable.filter(pk__in=keys)}
    found = [by_key[key] for key in keys if key in by_key]
    has_before = more if backwards else bool(cursor)
    has_after = bool(cursor) if backwards else more
    return Page(
        found,
        before=order.cursor(found[0]) if found and has_before else "",
        after=order.cursor(found[-1]) if found and has_after else "",
    )


def _asked_place(asked: Mapping[str, Any], order: Order) -> tuple[str, bool]:
    """The cursor of the address, and whether the page before it is asked for."""
    for name, backwards in (("after", False), ("before", True)):
        if cursor := asked.get(name):
            try:
                _read(cursor, order.column)
            except BadCursor:
                break
            return cursor, backwards
    return "", False


def _keys(rows: QuerySet[Any], order: Order, cursor: str, *, backwards: bool, search: str, limit: int) -> list[int]:
    fields = order.fields(backwards=backwards)
    if not words_of(search):
        beyond = order.beyond(cursor, backwards=backwards) if cursor else Q()
        return list(rows.filter(beyond).order_by(*fields).values_list("pk", flat=True)[:limit])
    beyond_key = _read(cursor, order.column)[1] if cursor else None
    keys: list[int] = []
    for block in matching_keys(rows.model, search, beyond=beyond_key, descending=order.descending != backwards):
        keys += rows.filter(pk__in=block).order_by(*fields).values_list("pk", flat=True)[: limit - len(keys)]
        if len(keys) == limit:
            break
    return keys


def _arrow(descending: bool, backwards: bool) -> str:
    return "-" if descending != backwards else ""


def _side(descending: bool, backwards: bool) -> str:
    return "lt" if descending != backwards else "gt"


def _read(cursor: str, column: str) -> tuple[float, int]:
    value, _, key = cursor.rpartition("~")
    try:
        return (0.0 if column == "pk" else float(value)), int(key)
    except ValueError:
        raise BadCursor(f"{cursor!r} is no place in a list") from None
