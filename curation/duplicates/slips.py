"""Slips of the pen: letters swapped, doubled, lost or wrong, blanks in the wrong place. Needs the extra `dedup`."""

from functools import cache
from typing import Any

from curation.duplicates.meanings import JARGON, is_telling, opposed, turned

# A swap of two letters may give another word of the language (line, lien); then that one has to be this much rarer.
RARER_TIMES = 100
# In shorter words one letter more, less or changed is another word more often than a slip.
SHORTEST_TO_EDIT = 5
# A text with more slips than one in so many words is garbled, or another text.
WORDS_PER_SLIP = 4


def slipped(first: str, second: str) -> bool:
    """Whether one of two words is the other with a slip in it, and neither means something of its own."""
    if opposed(first, second) or turned(first, second):
        return False
    if _swapped(first, second):
        return not (is_telling(first) and is_telling(second)) and _one_is_rare(first, second)
    if min(len(first), len(second)) < SHORTEST_TO_EDIT or not (first.isalpha() and second.isalpha()):
        return False
    return _one_letter_off(first, second) and not (is_word(first) and is_word(second))


def shifted(first: list[str], second: list[str]) -> bool:
    """Whether two stretches of words have the same letters, but for a blank in the wrong place or a swap over it."""
    joined, other = "".join(first), "".join(second)
    if not (joined.isalnum() and other.isalnum()) or len(first) == len(second) == 1:
        return False
    return joined == other or (min(len(joined), len(other)) >= SHORTEST_TO_EDIT and _swapped(joined, other))


@cache
def is_word(word: str) -> bool:
    """Whether it is a word of English or of the field, so that nobody wrote it by a slip."""
    return word in JARGON or is_telling(word) or _frequency(word) > 0


def _one_is_rare(first: str, second: str) -> bool:
    if first in JARGON and second in JARGON:
        return False
    rare, frequent = sorted((_weight(first), _weight(second)))
    return rare * RARER_TIMES <= frequent


def _weight(word: str) -> int:
    """How much use the word has; words of the field have more than a dictionary of films knows."""
    return max(_frequency(word), 1_000_000 if word in JARGON or is_telling(word) else 0)


def _frequency(word: str) -> int:
    return int(_dictionary()[word])


@cache
def _dictionary() -> Any:
    from spellchecker import SpellChecker

    return SpellChecker(language="en").word_frequency


def _swapped(first: str, second: str) -> bool:
    """Whether two neighbouring letters stand the other way round."""
    start, a, b = _between(first, second)
    return len(a) == 2 and len(b) == 2 and a == b[::-1] and start >= 0


def _one_letter_off(first: str, second: str) -> bool:
    _, a, b = _between(first, second)
    return max(len(a), len(b)) == 1


def _between(first: str, second: str) -> tuple[int, str, str]:
    """Where the two begin to differ, and what differs between their common beginning and end."""
    start = 0
    shortest = min(len(first), len(second))
    while start < shortest and first[start] == second[start]:
        start += 1
    end = 0
    while end < shortest - start and first[-1 - end] == second[-1 - end]:
        end += 1
    return start, first[start : len(first) - end], second[start : len(second) - end]
