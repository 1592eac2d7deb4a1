"""Kinds of reasons: a column, a length or a place in a reason tells one record from another, and makes no new kind."""

import re

NUMBER = re.compile(r"\b[0-9](?:[0-9,]*[0-9])?\b")
# Stands for any number. In a reason that quotes one from the file it stands for itself.
ANY = "…"
ANY_PATTERN = f"(?:[0-9]([0-9,]*[0-9])?|{ANY})"


def kind_of_reason(reason: str) -> str:
    """The reason with `…` for each of its numbers."""
    return NUMBER.sub(ANY, reason)


def pattern_of_kind(kind: str) -> str:
    """What the reasons of a kind match, as a regular expression that both databases read."""
    return f"^{ANY_PATTERN.join(re.escape(part) for part in kind.split(ANY))}$"
