"""All lines of files of queries as one list, newest file first: those that were taken, and those that were rejected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Left

from curation.intake.reasons import ANY, pattern_of_kind
from curation.models import ImportBatch, LineCount, RejectedRecord, Sighting
from web.kept_counts import total
from web.paging import PAGE_SIZE, Page

TEXT_SHOWN = 280
DUPLICATES, REJECTED = "duplicates", "rejected"

# A line's place in the list: key of its batch, line of its file.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of one source (slug), of one kind (duplicates, rejected), with one (kind of) reason; empty: all."""

    source: str = ""
    kind: str = ""
    reason: str = ""

    def files(self) -> QuerySet[ImportBatch]:
        """All files of queries, or those of the source."""
        of_queries = ImportBatch.objects.filter(holds=ImportBatch.Holds.QUERIES)
        return of_queries.filter(source__slug=self.source) if self.source else of_queries

    def batches(self) -> QuerySet[ImportBatch]:
        """The files in which such a line stands."""
        here = OuterRef("pk")
        return self.files().filter(Exists(self.seen(batch=here)) | Exists(self.rejected(batch=here)))

    def seen(self, **batch: Any) -> QuerySet[Sighting]:
        """Such lines that hold a query."""
        if self.kind == REJECTED:
            return Sighting.objects.none()
        seen = Sighting.objects.filter(**batch)
        return seen.filter(repeats=True) if self.kind == DUPLICATES else seen

    def rejected(self, **batch: Any) -> QuerySet[RejectedRecord]:
        """Such lines that were rejected."""
        if self.kind == DUPLICATES:
            return RejectedRecord.objects.none()
        rejected = RejectedRecord.objects.filter(**batch)
        if ANY in self.reason:
            return rejected.filter(reason__regex=pattern_of_kind(self.reason))
        return rejected.filter(reason=self.reason) if self.reason else rejected

    def count(self) -> int:
        """How many there are."""
        chosen = self.files().values("pk")
        # Every sighting is a line of a file of queries; rejected records are of other files too.
        seen = LineCount.objects.filter(batch__in=chosen) if self.source else LineCount.objects.all()
        known = total(seen.filter(repeats=True) if self.kind == DUPLICATES else seen)
        return (0 if self.kind == REJECTED else known) + self.rejected(batch__in=chosen).count()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file and what became of it: one of the two is there."""

    batch: ImportBatch
    number: int
    sighting: Sighting | None = None
    rejected: RejectedRecord | None = None


def page_of_lines(wanted: Wanted, asked: Mapping[str, Any], *, size: int = PAGE_SIZE) -> Page[Line]:
    """The page that `after` or `before` in the address asks for; an unreadable place gives the first page."""
    place, backwards = _asked_place(asked)
    places = _places(wanted, place, backwards=backwards, limit=size + 1)
    more, places = len(places) > size, places[:size]
    if backwards:
        places.reverse()
    has_before, has_after = (more, True) if backwards else (place is not None, more)
    return Page(
        _read(places),
        before=_cursor(places[0]) if places and has_before else "",
        after=_cursor(places[-1]) if places and has_after else "",
    )


def _places(wanted: Wanted, place: Place | None, *, backwards: bool, limit: int) -> list[Place]:
    """Batch by batch from that place on. Each batch but the first holds a line that is wanted, so few are asked."""
    batches = wanted.batches()
    if place is not None:
        batches = batches.filter(**{"pk__gte" if backwards else "pk__lte": place[0]})
    found: list[Place] = []
    for batch_id in batches.order_by("pk" if backwards else "-pk").values_list("pk", flat=True)[: limit + 1]:
        beyond = place[1] if place is not None and place[0] == batch_id else None
        lines = _lines_of(wanted, batch_id, beyond, backwards=backwards, limit=limit - len(found))
        found += [(batch_id, line) for line in lines]
        if len(found) == limit:
            break
    return found


def _lines_of(wanted: Wanted, batch_id: int, beyond: int | None, *, backwards: bool, limit: int) -> list[int]:
    place = Q() if beyond is None else Q(**{"line__lt" if backwards else "line__gt": beyond})
    lines: list[int] = []
    for rows in (wanted.seen(batch=batch_id), wanted.rejected(batch=batch_id)):
        ordered = rows.filter(place).order_by("-line" if backwards else "line")
        lines += ordered.values_list("line", flat=True)[:limit]
    return sorted(lines, reverse=backwards)[:limit]


def _read(places: list[Place]) -> list[Line]:
    """What stands at these places; a batch's unique pair of file and line finds each row."""
    lines_of: dict[int, list[int]] = {}
    for batch_id, line in places:
        lines_of.setdefault(batch_id, []).append(line)
    here = Q(pk__in=[])
    for batch_id, lines in lines_of.items():
        here |= Q(batch=batch_id, line__in=lines)
    seen = Sighting.objects.filter(here).select_related("query").defer("response", "query__text", "query__response")
    sightings = {(one.batch_id, one.line): one for one in seen.annotate(start=Left("query__text", TEXT_SHOWN))}
    rejected = {(one.batch_id, one.line): one for one in RejectedRecord.objects.filter(here)}
    batches = ImportBatch.objects.select_related("source").in_bulk(list(lines_of))
    return [
        Line(batches[place[0]], place[1], sighting=sightings.get(place), rejected=rejected.get(place))
        for place in places
    ]


def _asked_place(asked: Mapping[str, Any]) -> tuple[Place | None, bool]:
    for name, backwards in (("after", False), ("before", True)):
        batch, _, line = str(asked.get(name) or "").partition("~")
        if batch.isascii() and batch.isdigit() and line.isascii() and line.isdigit():
            return (int(batch[:18]), int(line[:18])), backwards
    return None, False


def _cursor(place: Place) -> str:
    return f"{place[0]}~{place[1]}"
