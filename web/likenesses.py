"""Where two texts say the same: the words they share, as stretches to mark in either."""

import re
from collections.abc import Callable
from dataclasses import dataclass

# Words that say nothing of what a text is about; they are marked only inside a stretch.
EMPTY_WORDS = """
a an and any are as at be by can code each for from function given has have if in into is it its list may not of on one
or program python return returns should so that the their them then there these this to two using when which will with
write you your def none self true false assert
"""
EMPTY = frozenset(EMPTY_WORDS.split())
WORD = re.compile(r"[^\W_]+")
GAP = 3  # as many empty words may stand inside one stretch


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a text; `shared` when the other text has its words too."""

    text: str
    shared: bool


def stem(word: str) -> str:
    """The word without an ending of grammar, so that `numbers` and `number` are one."""
    for ending in ("ings", "ing", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word.removesuffix("e")


def shared_stretches(text: str, other: str, *, fold: Callable[[str], str] = str.casefold) -> list[Stretch]:
    """The text in pieces, told apart by whether the other text says the same."""
    theirs = {stem(word) for word in WORD.findall(fold(other))} - EMPTY
    spans: list[tuple[int, int]] = []
    empty_since = GAP + 1
    for found in WORD.finditer(text):
        word = fold(found[0])
        if word not in EMPTY and stem(word) in theirs:
            if spans and empty_since <= GAP:
                spans[-1] = (spans[-1][0], found.end())
            else:
                spans.append(found.span())
            empty_since = 0
        else:
            empty_since = empty_since + 1 if word in EMPTY else GAP + 1
    return _pieces(text, spans)


def _pieces(text: str, spans: list[tuple[int, int]]) -> list[Stretch]:
    pieces, at = [], 0
    for start, end in spans:
        pieces += [Stretch(text[at:start], shared=False), Stretch(text[start:end], shared=True)]
        at = end
    return [piece for piece in [*pieces, Stretch(text[at:], shared=False)] if piece.text]
