"""Which reference texts share runs of words with a text: the machinery under the tiers of contamination.

Case, punctuation, white space, invisible and look-alike characters do not hide anything.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from curation.texts import INVISIBLE

RUN_WORDS = 10
# A run of numbers ("1 2 3 4 5 6 7 8 9 10") or of one call again and again stands in the texts of strangers.
TELLING_WORDS = 4
# Texts shorter than a run are looked for as a whole, by their first words.
PREFIX_WORDS = 3
MATCHED_LENGTH = 1000

WORD = re.compile(r"[^\W_]+")
LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһԛԝАВЕКМНОРСТУХІЈЅαοεινρτυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwABEKMHOPCTYXIJSaoeivptuABEZHIKMNOPTYX",
)


@dataclass(frozen=True, slots=True)
class Shared:
    """How much of one reference text was found, and the longest stretch of it."""

    score: float
    stretch: str

    @property
    def words(self) -> int:
        return self.stretch.count(" ") + 1

    @property
    def different_words(self) -> int:
        return _different(self.stretch.split())


def visible(text: str) -> str:
    """The text as the eye reads it: nothing invisible, no letter of another alphabet that looks like one of ours."""
    if text.isascii():
        return text
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(LOOK_ALIKES)


def words_of(text: str) -> list[str]:
    """The words of a text, as the eye reads them."""
    return WORD.findall(visible(text).casefold())


Prefix = tuple[str, str, str]


class References:
    """Texts of one kind, found again by their runs of words. A task may have several; the best one speaks for it."""

    def __init__(self) -> None:
        self.texts_of_run: dict[str, list[int]] = defaultdict(list)
        self.run_prefixes: set[Prefix] = set()
        self.texts_of_prefix: dict[Prefix, list[int]] = defaultdict(list)
        self.task_ids: list[int] = []
        self.run_counts: list[int] = []
        self.wholes: list[list[str]] = []

    def add(self, task_id: int, words: list[str]) -> None:
        """A text of fewer than three words says nothing and is left out."""
        if len(words) < PREFIX_WORDS:
            return
        places = [start for start in range(len(words) - RUN_WORDS + 1) if _is_telling(words, start)]
        number, runs = len(self.task_ids), {_run(words, start) for start in places}
        self.task_ids.append(task_id)
        self.run_counts.append(len(runs))
        self.wholes.append(words)
        for run in runs:
            self.texts_of_run[run].append(number)
        self.run_prefixes.update(_prefix(words, start) for start in places)
        if len(words) < RUN_WORDS:
            self.texts_of_prefix[_prefix(words, 0)].append(number)

    def shared_with(self, words: list[str]) -> dict[int, Shared]:
        """Texts that share a run with these words, or are short and stand among them as a whole, by task."""
        best: dict[int, Shared] = {}
        prefixes = list(zip(words, words[1:], words[2:], strict=False))
        for number, shared in [*self._by_runs(words, prefixes), *self._short_in(words, prefixes)]:
            task_id = self.task_ids[number]
            if task_id not in best or (shared.score, shared.words) > (best[task_id].score, best[task_id].words):
                best[task_id] = shared
        return best

    def _by_runs(self, words: list[str], prefixes: list[Prefix]) -> Iterator[tuple[int, Shared]]:
        if self.run_prefixes.isdisjoint(prefixes):
            return
        places: dict[int, list[int]] = defaultdict(list)
        for start, prefix in enumerate(prefixes):
            if prefix in self.run_prefixes:
                for number in self.texts_of_run.get(_run(words, start), ()):
                    places[number].append(start)
        for number, starts in places.items():
            score = len({_run(words, start) for start in starts}) / self.run_counts[number]
            yield number, Shared(score, _stretch(words, starts))

    def _short_in(self, words: list[str], prefixes: list[Prefix]) -> Iterator[tuple[int, Shared]]:
        if self.texts_of_prefix.keys().isdisjoint(prefixes):
            return
        for start, prefix in enumerate(prefixes):
            for number in self.texts_of_prefix.get(prefix, ()):
                whole = self.wholes[number]
                if words[start : start + len(whole)] == whole:
                    yield number, Shared(1.0, " ".join(whole))


def _run(words: list[str], start: int) -> str:
    """The run of words that starts there; at the end of a text a shorter one, which no reference has."""
    return " ".join(words[start : start + RUN_WORDS])


def _prefix(words: list[str], start: int) -> Prefix:
    return words[start], words[start + 1], words[start + 2]


def _is_telling(words: list[str], start: int) -> bool:
    return _different(words[start : start + RUN_WORDS]) >= TELLING_WORDS


def _different(words: list[str]) -> int:
    """How many different words, numbers and single letters not counted."""
    return len({word for word in words if len(word) > 1 and not word.isdecimal()})


def _stretch(words: list[str], starts: list[int]) -> str:
    """The longest stretch of words covered by runs that follow one another."""
    first = best_first = best_last = starts[0]
    for previous, start in pairwise(starts):
        first = first if start == previous + 1 else start
        if start - first > best_last - best_first:
            best_first, best_last = first, start
    return " ".join(words[best_first : best_last + RUN_WORDS])
