"""The rooms of the site and the places in each: which link of the bar, and of the row below it, a page belongs to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One link: its words, the view it opens, and the further views that belong to it."""

    words: str
    view: str
    further: tuple[str, ...] = ()

    def holds(self, view_name: str) -> bool:
        """Whether that view is this place or belongs to it."""
        return view_name in (self.view, *self.further)


@dataclass(frozen=True, slots=True)
class Room:
    """One link of the bar; it opens the first of its places."""

    words: str
    places: tuple[Place, ...]

    def holds(self, view_name: str) -> bool:
        """Whether that view lies in this room."""
        return any(place.holds(view_name) for place in self.places)


def _one(words: str, view: str, *further: str) -> Room:
    return Room(words, (Place(words, view, further),))


_IMPORTS = (
    "curation:batch",
    "curation:withdraw_benchmark",
    "dialogues:upload_file",
    "dialogues:upload",
    "dialogues:withdraw_batch",
    "dialogues:withdraw_source",
    "dialogues:withdrawal",
)
_CONTAMINATION = ("curation:check_contamination", "curation:judge_suspects", "curation:execute_suspects")
_TEMPLATES = (
    "curation:template",
    "curation:new_template",
    "curation:edit_template",
    "curation:import_template",
    "curation:preview",
)
ROOMS = (
    Room("Start", (Place("Overview", "home"), Place("Funnel", "dialogues:funnel"))),
    Room(
        "Queries",
        (
            Place("All queries", "curation:queries", ("curation:query", "curation:score")),
            Place("Imports", "curation:batches", _IMPORTS),
            Place("Lines read", "curation:lines"),
            Place("Languages", "curation:languages"),
            Place("Duplicates", "curation:clusters", ("curation:cluster", "curation:find_duplicates")),
            Place("Contamination", "curation:contamination", _CONTAMINATION),
            Place("Suspects", "curation:suspects", ("curation:suspect",)),
        ),
    ),
    Room(
        "Scores",
        (
            Place("Agreement", "curation:agreement", ("curation:behind",)),
            Place("Linking", "curation:linking"),
            Place("What if", "curation:whatif", ("curation:rule_pass",)),
            Place("Verdicts", "curation:lessons"),
            Place("Templates", "curation:templates", _TEMPLATES),
            Place("Judges", "curation:judges"),
            Place("Lab", "curation:labs", ("curation:new_lab", "curation:lab")),
        ),
    ),
    _one("Audit", "curation:audit", "curation:audit_item", "curation:guidelines"),
    _one("Dialogues", "dialogues:dialogues", "dialogues:detail", "dialogues:build"),
    _one("Review", "dialogues:review", "dialogues:review_item", "dialogues:edit_turn"),
    _one("Runs", "runs:runs", "runs:detail", "runs:lost", "runs:budget", "runs:compact", "runs:proposal"),
    _one("Exports", "dialogues:exports"),
    _one("Actions", "accounts:actions", "accounts:action"),
)
ADMIN = _one("Admin", "admin:index")


def room_of(view_name: str) -> Room | None:
    """The room in which that view lies."""
    return next((room for room in ROOMS if room.holds(view_name)), None)
