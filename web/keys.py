"""The keys of the desks: one table that buttons, the sheet and the test read. No desk has two alike."""

from collections.abc import Mapping
from dataclasses import dataclass

SHOWN = {"ArrowLeft": "←", "ArrowRight": "→", "Control+Enter": "Ctrl+Enter", "Escape": "Esc"}


@dataclass(frozen=True, slots=True)
class Key:
    """`press` is the browser's name of the key, which is also what aria-keyshortcuts wants."""

    press: str
    words: str

    @property
    def shown(self) -> str:
        return SHOWN.get(self.press, self.press)


Desk = Mapping[str, Key]

_ANYWHERE: Desk = {
    "skip": Key("s", "Skip for a day"),
    "undo": Key("u", "Undo my last decision"),
    "previous": Key("ArrowLeft", "The item before, without deciding"),
    "next": Key("ArrowRight", "The item after, without deciding"),
    "leave": Key("Escape", "Leave the field"),
    "sheet": Key("?", "Show this sheet"),
}

RATING: Desk = {
    **{f"rate_{level}": Key(str(level), "Rate the query") for level in range(1, 6)},
    **_ANYWHERE,
}

VERDICT: Desk = {
    "right_a": Key("1", "A was right"),
    "right_b": Key("2", "B was right"),
    "right_both": Key("3", "Both were right"),
    "right_neither": Key("4", "Neither was right"),
    "keep": Key("a", "Keep the query"),
    "drop": Key("x", "Drop the query"),
    "note": Key("c", "Write a note"),
    "submit": Key("Control+Enter", "Send what my rating says, and next"),
    **_ANYWHERE,
}

SUSPECT: Desk = {
    "set_aside": Key("x", "Set aside: it holds the task"),
    "clear": Key("a", "Clear: it asks something else"),
    "down": Key("j", "The next of the tasks it lies near"),
    "up": Key("k", "The one before among these tasks"),
    **_ANYWHERE,
}

REVIEW: Desk = {
    "down": Key("j", "Next turn"),
    "up": Key("k", "Turn before"),
    "edit": Key("e", "Edit the feedback turn"),
    "diff": Key("d", "Changes on or off"),
    **{f"category_{number}": Key(str(number % 10), "Choose the category, while editing") for number in range(1, 11)},
    "submit": Key("Control+Enter", "Save the edit"),
    "fits": Key("f", "Stale answers still fit, on or off"),
    "reason": Key("c", "Write a reason or note"),
    "approve": Key("a", "Approve"),
    "needs_work": Key("w", "Needs work"),
    "reject": Key("x", "Reject"),
    **_ANYWHERE,
}

# No queue: nobody holds a cluster, so there is nothing to skip.
CLUSTER: Desk = {
    "down": Key("j", "Next member"),
    "up": Key("k", "Member before"),
    "keep": Key("a", "It is a duplicate"),
    "part": Key("x", "It is not a duplicate"),
    "represent": Key("r", "Make it the representative"),
    **{name: key for name, key in _ANYWHERE.items() if name not in ("skip", "previous", "next")},
    "previous": Key("ArrowLeft", "The cluster before"),
    "next": Key("ArrowRight", "The cluster after"),
}

DESKS: Mapping[str, Desk] = {
    "rating": RATING,
    "verdict": VERDICT,
    "suspect": SUSPECT,
    "review": REVIEW,
    "cluster": CLUSTER,
}
