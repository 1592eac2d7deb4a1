"""Whether two queries ask the same thing, word by word: only what is known to be harmless may differ.

Symmetric, and the same for a pair whatever else is in the pool. Needs the extra `dedup` for its dictionary.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import starmap

from django.db import models

from curation.duplicates.likeness import SHORTEST_TO_RENAME, declared_names, folded_words
from curation.duplicates.meanings import LANGUAGES, NEGATIONS, NUMBER_WORDS, is_telling, name_may_be, opposed
from curation.duplicates.slips import WORDS_PER_SLIP, shifted, slipped

ARTICLES = frozenset({"a", "an", "the"})
NUMBER = re.compile(r"\d[\d_]*[a-z]{0,2}")
NUMBERED = re.compile(r"(\w*?[^\W\d])\d+")
# Names that say nothing: var0x, tmp1, foo. In any other way of renaming both names have to be declared.
PLACEHOLDER = re.compile(
    r"(?:var|val|tmp|temp|fn|func|function|method|cls|class|arg|param|name|id)_?\d+_?[a-z]?|foo|bar|baz|qux"
)
FEWEST_WORDS_BESIDE_NAMES = 6
# Texts whose lengths differ by more than slips explain are not compared word by word.
LENGTH_SLACK = 0.15


class Kind(models.TextChoices):
    """What two queries differ in; the first three ask the same thing."""

    FORM = "form", "only case, punctuation or courtesies"
    TYPO = "typo", "only slips of the pen"
    NAMES = "names", "only names, one for one"
    NUMBERS = "numbers", "only numbers"


SAME = (Kind.FORM, Kind.TYPO, Kind.NAMES)


@dataclass(frozen=True, slots=True)
class Wording:
    """A text as it is compared: its folded words, and the names that its code declares."""

    words: list[str]
    names: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Wording":
        return cls(folded_words(text), declared_names(text))

    def named(self) -> list[str]:
        """The declared names, in order of appearance."""
        return list(dict.fromkeys(word for word in self.words if word in self.names))


def compare(first: Wording, second: Wording) -> Kind | None:
    """In what harmless way two queries differ; None when they ask for different things."""
    # In a fixed order, because what difflib takes for changed depends on it.
    one, other = sorted((first, second), key=lambda wording: wording.words)
    if one.words == other.words:
        return Kind.FORM
    if abs(len(one.words) - len(other.words)) > 2 + LENGTH_SLACK * len(one.words):
        return None
    found: Counter[Kind] = Counter()
    renamed: Counter[tuple[str, str]] = Counter()
    for before, after in _stretches(one.words, other.words):
        kinds = _harmless(before, after, renamed)
        if kinds is None:
            return None
        found.update(kinds)
    if renamed and not _renamed_throughout(one, other, renamed):
        return None
    if found[Kind.TYPO] > max(2, len(one.words) / WORDS_PER_SLIP):
        return None
    return next(kind for kind in (Kind.NUMBERS, Kind.NAMES, Kind.TYPO) if found[kind])


def names_alike(first: Wording, second: Wording) -> bool:
    """Whether the names that two texts declare may stand for each other, in order; needs no dictionary."""
    return all(starmap(name_may_be, zip(first.named(), second.named(), strict=False)))


def contradict(first: Wording, second: Wording) -> bool:
    """Whether words that only one of them has turn the task round: other languages, opposites, a negation."""
    one, other = set(first.words) - set(second.words), set(second.words) - set(first.words)
    if bool(one & NEGATIONS) != bool(other & NEGATIONS):
        return True
    if (one & LANGUAGES) and (other & LANGUAGES):
        return True
    return any(opposed(a, b) for a in one if is_telling(a) for b in other)


def _stretches(before: list[str], after: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield before[i1:i2], after[j1:j2]


def _harmless(before: list[str], after: list[str], renamed: Counter[tuple[str, str]]) -> list[Kind] | None:
    """The kinds of difference in one stretch, names noted in `renamed`; None when it changes what is asked."""
    if shifted(before, after):
        return [Kind.TYPO]
    if all(_is_number(word) or word == "-" for word in before + after):
        return [Kind.NUMBERS]
    if len(before) != len(after):
        without = [word for word in before if word not in ARTICLES], [word for word in after if word not in ARTICLES]
        return [Kind.TYPO] if without[0] == without[1] else None
    kinds = []
    for first, second in zip(before, after, strict=True):
        kind = _of_words(first, second)
        if kind is None:
            return None
        if kind == Kind.NAMES:
            renamed[first, second] += 1
        kinds.append(kind)
    return kinds


def _of_words(first: str, second: str) -> Kind | None:
    if first == second:
        return Kind.FORM
    if _is_number(first) and _is_number(second):
        return Kind.NUMBERS
    if slipped(first, second):
        return Kind.TYPO
    if first in ARTICLES and second in ARTICLES:
        return Kind.TYPO
    one, other = NUMBERED.fullmatch(first), NUMBERED.fullmatch(second)
    if one and other and one[1] == other[1]:
        return Kind.NUMBERS
    return Kind.NAMES if first.isidentifier() and second.isidentifier() else None


def _is_number(word: str) -> bool:
    return word in NUMBER_WORDS or NUMBER.fullmatch(word) is not None


def _renamed_throughout(one: Wording, other: Wording, renamed: Counter[tuple[str, str]]) -> bool:
    """Whether each name became one other name, everywhere, and none that matters."""
    before, after = Counter(one.words), Counter(other.words)
    one_to_one = len({name for name, _ in renamed}) == len({name for _, name in renamed}) == len(renamed)
    left = len(one.words) - renamed.total()
    return one_to_one and all(
        before[name] == after[new] == times
        and not after[name]
        and not before[new]
        and _may_be_renamed(name, new, one, other, left)
        for (name, new), times in renamed.items()
    )


def _may_be_renamed(name: str, new: str, one: Wording, other: Wording, words_left: int) -> bool:
    declared = name in one.names and new in other.names
    if PLACEHOLDER.fullmatch(name) or PLACEHOLDER.fullmatch(new):
        matters = is_telling(name) or is_telling(new)
        return (declared or not matters) and words_left >= FEWEST_WORDS_BESIDE_NAMES
    return declared and name_may_be(name, new) and words_left >= SHORTEST_TO_RENAME
