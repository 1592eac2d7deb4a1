"""The page of the funnel: each step with the parts that it is the sum of; each number opens exactly its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.roles import Role, needs
from curation.intake.lines import DUPLICATES, REJECTED
from curation.models import Stage
from dialogues.metrics import AFTERWARDS, PARTS, Row, funnel, not_adding_up, reasons, totals
from dialogues.models import State
from dialogues.views.dialogues import STANDING
from web.charts import Segment, bar

REASONS_SHOWN = 12
LINES, QUERIES, DIALOGUES = "curation:lines", "curation:queries", "dialogues:dialogues"

# Step → the list of its rows, and what that list is asked for.
LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "read": (LINES, {}),
    "rejected": (LINES, {"kind": REJECTED}),
    "duplicates": (LINES, {"kind": DUPLICATES}),
    "accepted": (QUERIES, {}),
    "near_duplicates": (QUERIES, {"stage": Stage.DUPLICATE}),
    "set_aside": (QUERIES, {"stage": Stage.SET_ASIDE}),
    "in_play": (QUERIES, {"stage": "in_play"}),
    "unscored": (QUERIES, {"stage": Stage.UNSCORED}),
    "scored": (QUERIES, {"stage": "answered"}),
    "unreadable": (QUERIES, {"stage": Stage.UNREADABLE}),
    "undecided": (QUERIES, {"stage": Stage.SCORED}),
    "dropped": (QUERIES, {"stage": Stage.DROPPED}),
    "kept": (QUERIES, {"stage": Stage.KEPT}),
    "used": (QUERIES, {"stage": Stage.KEPT, "used": "yes"}),
    "unused": (QUERIES, {"stage": Stage.KEPT, "used": "no"}),
    "used_not_kept": (QUERIES, {"used": "afterwards"}),
    "dialogues": (DIALOGUES, {"state": STANDING}),
    "drafts": (DIALOGUES, {"state": State.DRAFT}),
    "in_review": (DIALOGUES, {"state": State.IN_REVIEW}),
    "needs_work": (DIALOGUES, {"state": State.NEEDS_WORK}),
    "turned_down": (DIALOGUES, {"state": State.REJECTED}),
    "approved": (DIALOGUES, {"state": State.APPROVED}),
    "exported": (DIALOGUES, {"state": State.APPROVED, "exported": "yes"}),
    "unexported": (DIALOGUES, {"state": State.APPROVED, "exported": "no"}),
    "exported_not_approved": (DIALOGUES, {"state": STANDING, "exported": "afterwards"}),
    "withdrawn": (DIALOGUES, {"state": State.WITHDRAWN}),
}
WORDS = {
    "duplicates": "duplicates",
    "near_duplicates": "near-duplicates",
    "set_aside": "contaminated, set aside",
    "in_play": "in play",
    "unscored": "not scored yet",
    "unreadable": "without a readable score",
    "undecided": "not decided yet",
    "used": "in a dialogue",
    "unused": "in no dialogue yet",
    "used_not_kept": "in a dialogue, but no longer kept",
    "in_review": "in review",
    "needs_work": "needs work",
    "drafts": "drafts",
    "turned_down": "rejected",
    "unexported": "not exported yet",
    "exported_not_approved": "exported, but no longer approved",
    "withdrawn": "withdrawn with their source",
}
# Named by what they are, where others are named by how they stand.
THINGS = {"duplicates", "near_duplicates", "drafts"}
EXPLAINED = {
    "read": "lines of files of queries",
    "accepted": "distinct queries",
    "in_play": "neither near-duplicates nor contaminated",
    "scored": "every judge that counts has answered",
    "kept": "by the rule or by a person",
    "dialogues": "built from queries or imported, of the source of their first seed",
    "approved": "by a reviewer",
}
# The part that goes on, what waits, what is lost; each is named beside its bar as well.
TONES = {"rejected": "lost", "turned_down": "lost", "dropped": "lost", "set_aside": "lost", "unreadable": "lost"}
TONES |= dict.fromkeys(("duplicates", "near_duplicates"), "again")
COLUMNS = (
    *("read", "rejected", "duplicates", "near_duplicates", "set_aside", "scored", "kept", "used"),
    *("dialogues", "approved", "exported"),
)


@dataclass(frozen=True, slots=True)
class Number:
    """A step's count, and the address that lists exactly these rows."""

    step: str
    words: str
    count: int
    address: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """One step with its parts: a line of the picture."""

    number: Number
    explained: str
    parts: list[Number]
    segments: list[Segment]


@needs(Role.REVIEWER)
@require_GET
def show_funnel(request: HttpRequest) -> HttpResponse:
    """The funnel of one source or of all, and the table of every source."""
    rows = funnel()
    asked = request.GET.get("source", "")
    source = asked if asked in rows else ""
    total = totals(rows)
    row = rows[source] if source else total
    rejected = [
        (reason, count, address_of("rejected", source, reason=reason))
        for reason, count in (reasons(source, most=REASONS_SHOWN) if row["rejected"] else ())
    ]
    context = {
        "source": source,
        "row": row,
        "levels": [_level(step, row, source) for step in PARTS],
        "afterwards": [_number(step, row, source) for step in AFTERWARDS if row[step]],
        "reasons": rejected,
        "other_reasons": row["rejected"] - sum(count for _, count, _ in rejected),
        "rejected": _number("rejected", row, source),
        "columns": [WORDS.get(step, step) for step in COLUMNS],
        "sources": [(slug, [_number(step, one, slug) for step in COLUMNS]) for slug, one in rows.items()],
        "total": [_number(step, total, "") for step in COLUMNS],
        "broken": not_adding_up(row),
    }
    return render(request, "dialogues/funnel.html", context)


def address_of(step: str, source: str, **further: str) -> str:
    """The list of the rows that the step counts."""
    name, asked = LISTS[step]
    query = urlencode({**({"source": source} if source else {}), **asked, **further})
    return f"{reverse(name)}?{query}" if query else reverse(name)


def _number(step: str, row: Mapping[str, int], source: str, tone: str = "") -> Number:
    words = WORDS.get(step, step)
    if row[step] == 1 and step in THINGS:
        words = words.removesuffix("s")
    return Number(step, words, row[step], address_of(step, source), tone)


def _level(step: str, row: Row, source: str) -> Level:
    tones = {part: TONES.get(part, "waits") for part in PARTS[step]} | {PARTS[step][0]: "goes-on"}
    parts = [_number(part, row, source, tones[part]) for part in PARTS[step]]
    # Queries are drawn in the measure of all lines, dialogues in that of all dialogues.
    whole = row["dialogues"] if step in ("dialogues", "approved") else row["read"]
    segments = bar([(tones[part], row[part]) for part in PARTS[step]], whole=whole)
    return Level(_number(step, row, source), EXPLAINED[step], parts, segments)
