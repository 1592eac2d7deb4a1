"""The guidelines of the audit: a text with versions, beside the query while it is judged."""

from django.db import transaction
from django.db.models import Max

from accounts.actions import Change, record
from accounts.models import Door, User
from curation.models import Guidelines

# What stands there until a lead writes something better.
FIRST_TEXT = """\
1. One elementary step: a print, a loop over a list, what a keyword means.
2. A beginner combines a few such steps; nothing can go wrong unseen.
3. A known technique or data structure, several functions, or edge cases handled on purpose.
4. The way is not obvious: a demanding algorithm, requirements that interact, limits on time or memory.
5. An experienced developer has to think hard, and ordinary tests do not show every mistake.

Judge the task, not its wording. When two levels seem to fit, take the one of its hardest part.
"""


class NothingNew(Exception):
    """The text is empty, or reads as the version that stands."""


def standing_guidelines() -> Guidelines:
    """The newest version that was not undone; the shipped text has number 0."""
    return Guidelines.objects.filter(withdrawn=False).first() or Guidelines(number=0, text=FIRST_TEXT)


def write_guidelines(text: str, *, by: User | None, door: Door = Door.PAGE) -> Guidelines:
    """Make a version of the guidelines; the ones before stay readable. Raises NothingNew."""
    text = text.replace("\r\n", "\n").strip() + "\n"
    if text == "\n":
        raise NothingNew("guidelines that say nothing help nobody")
    with transaction.atomic():
        if text == standing_guidelines().text:
            raise NothingNew("this is the text that stands already")
        newest = Guidelines.objects.aggregate(newest=Max("number"))["newest"] or 0
        written = Guidelines.objects.create(number=newest + 1, text=text, by=by)
        given = Change(written, before={"withdrawn": True}, after={"withdrawn": False})
        record("write guidelines", [given], by=by, door=door)
    return written
