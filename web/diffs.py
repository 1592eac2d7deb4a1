"""What changed between two texts, by words and code tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
# Matching is quadratic: between what both texts begin and end with, so many tokens are told apart, then so many lines.
TOKENS_COMPARED, LINES_COMPARED = 2_000, 2_000

Kind = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that stayed, went, or came."""

    kind: Kind
    text: str


def pieces_between(before: str, after: str) -> list[Piece]:
    """The two texts as one run of pieces; what stayed and went gives `before`, what stayed and came gives `after`."""
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    if _most_between(old, new) > TOKENS_COMPARED:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    first, last = _equal_ends(old, new)
    pieces = [
        Piece("same", "".join(old[:first])),
        *_pieces(old[first : len(old) - last], new[first : len(new) - last]),
        Piece("same", "".join(old[len(old) - last :])),
    ]
    return [piece for piece in pieces if piece.text]


def _most_between(old: list[str], new: list[str]) -> int:
    return max(len(old), len(new)) - sum(_equal_ends(old, new))


def _equal_ends(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many tokens the two have in common at the beginning, and how many of the rest at the end."""
    shorter = min(len(old), len(new))
    first = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    last = next((place for place in range(shorter - first) if old[-1 - place] != new[-1 - place]), shorter - first)
    return first, last


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    if max(len(old), len(new)) > LINES_COMPARED:
        yield from (Piece("gone", "".join(old)), Piece("new", "".join(new)))
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(old[i1:i2]))
            continue
        yield from (Piece("gone", "".join(old[i1:i2])), Piece("new", "".join(new[j1:j2])))
