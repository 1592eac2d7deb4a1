"""Keyset paging: a page begins after a row, never after a count, so page 1,000 costs what page 1 does."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from web.search import expected_matches, matching, matching_among, words_of

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")

# More than a screen holds; most of what a page costs is the writing of its rows.
PAGE_SIZE = 40
# So many matches of a search are read at once; where there are more, the list is walked and each block of it sifted.
FEW = 10_000
# The blocks grow.
FIRST_BLOCK, LARGEST_BLOCK = 250, 4_000


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

    def beyond(self, cursor: str, *, backwards: bool) -> list[Q]:
        """What follows the cursor's row (precedes it, when backwards): first the rest of its ties, then all others.

        Asked one after the other, since each leads the database to one place in its index; asked as one, it would
        read all the ties that lie before the cursor.
        """
        if not cursor:
            return [Q()]
        value, key = _read(cursor, self.column)
        behind_key = Q(**{f"pk__{_side(self.key_descending, backwards)}": key})
        if self.column == "pk":
            return [behind_key]
        behind_value = Q(**{f"{self.column}__{_side(self.descending, backwards)}": value})
        return [Q(**{self.column: value}) & behind_key, behind_value]

    def cursor(self, row: Model) -> str:
        """What an address says to begin after this row."""
        return self.place(getattr(row, self.column), row.pk)

    def place(self, value: Any, key: int) -> str:
        """The same, of a row's value and key."""
        return str(key) if self.column == "pk" else f"{value!r}~{key}"


NEWEST_FIRST = Order()


@dataclass(frozen=True, slots=True)
class Searched:
    """The table whose index knows the words, and its column that names the row of the list (`pk`: the list's own)."""

    model: type[Model]
    column: str = "pk"

    def owners(self, found: QuerySet[Any]) -> QuerySet[Any] | set[int]:
        """The rows of the list of which these rows of the table hold something."""
        return found.values(self.column)

    def rows_of(self, owners: Sequence[int]) -> Iterable[tuple[int, int]]:
        """(key, owner) of all that these own."""
        owned = self.model._default_manager.filter(**{f"{self.column}__in": owners}).order_by()
        return owned.values_list("pk", self.column)


Sieve = tuple[Searched, str]


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows, and the cursors of the pages before and after them (empty: there is none)."""

    rows: list[Item]
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
    searched: Searched | None = None,
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """The page that `after` or `before` in the address asks for; an unreadable cursor gives the first page.

    `rows` says which rows there are; `shown`, where given, says how to read those of one page (joins, columns).
    Keys are found first, from an index alone, so that a wide row is read only when it is shown. A search leaves the
    rows that hold all its words, or of which a row of the table in `searched` holds them.
    """
    cursor, backwards = _asked_place(asked, order)
    sieve = (searched or Searched(rows.model), search) if words_of(search) else None
    keys = _keys(rows, order, cursor, backwards=backwards, sieve=sieve, limit=size + 1)
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


def next_to(row: Row, rows: QuerySet[Row], order: Order, *, backwards: bool) -> Row | None:
    """The one of these rows that follows this one in the order (precedes it, when backwards)."""
    found = _following(rows, order, order.cursor(row), backwards=backwards, limit=1)
    return rows.get(pk=found[0][0]) if found else None


def newest_matching(rows: QuerySet[Any], table: Searched, search: str, *, limit: int) -> list[int]:
    """The keys of the newest of these rows that hold all words of a search, or of which a row of the table does."""
    return _keys(rows, NEWEST_FIRST, "", backwards=False, sieve=(table, search), limit=limit)


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


def _keys(
    rows: QuerySet[Any], order: Order, cursor: str, *, backwards: bool, sieve: Sieve | None, limit: int
) -> list[int]:
    """The keys of the rows behind the cursor. Where many hold the words, most blocks of the list hold some of them."""
    if sieve is not None:
        table, search = sieve
        expected = expected_matches(table.model, search, most=FEW + 1)
        if expected > FEW:
            walked = _walked(rows, order, cursor, backwards=backwards)
            return list(islice(_sifted(walked, table, search), limit))
        if table.column == "pk":
            rows = matching(rows, search, expected=expected)
        else:
            found = matching(table.model._default_manager.order_by(), search)
            rows = rows.filter(pk__in=table.owners(found))
    return [key for key, _ in _following(rows, order, cursor, backwards=backwards, limit=limit)]


def _following(rows: QuerySet[Any], order: Order, cursor: str, *, backwards: bool, limit: int) -> list[tuple[int, Any]]:
    """(key, value of the order's column) of the rows behind the cursor, in the order; no cursor: from its begin."""
    found: list[tuple[int, Any]] = []
    for behind in order.beyond(cursor, backwards=backwards):
        part = rows.filter(behind).order_by(*order.fields(backwards=backwards))
        found += part.values_list("pk", order.column)[: limit - len(found)]
    return found


def _walked(rows: QuerySet[Any], order: Order, cursor: str, *, backwards: bool) -> Iterator[list[int]]:
    """All keys behind the cursor in growing blocks."""
    size = FIRST_BLOCK
    while True:
        block = _following(rows, order, cursor, backwards=backwards, limit=size)
        yield [key for key, _ in block]
        if len(block) < size:
            return
        key, value = block[-1]
        cursor, size = order.place(value, key), min(size * 4, LARGEST_BLOCK)


def _sifted(blocks: Iterator[list[int]], table: Searched, search: str) -> Iterator[int]:
    for block in blocks:
        if table.column == "pk":
            found = matching_among(table.model, search, block)
        else:
            owned = list(table.rows_of(block))
            matches = matching_among(table.model, search, list({key for key, _ in owned}))
            found = {owner for key, owner in owned if key in matches}
        yield from (key for key in block if key in found)


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
