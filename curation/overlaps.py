"""Where texts share words with benchmark tasks: the same text, runs of ten words, or most of a solution.

Case, punctuation, white space, invisible and look-alike characters do not hide anything.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from curation.models import Tier
from curation.texts import INVISIBLE

RUN_WORDS = 10
# Stock phrases ("a function that takes a string as input and returns the") and loops are shared by strangers, so only
# this share of a task's runs of words, or a stretch of this many words, proves that a text holds the task.
PROVING_SHARE, PROVING_WORDS = 0.5, 15
# Texts shorter than a run are looked for as a whole, by their first words.
PREFIX_WORDS = 3
MATCHED_LENGTH = 1000

WORD = re.compile(r"[^\W_]+")
LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһԛԝАВЕКМНОРСТУХІЈЅαοεινρτυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwABEKMHOPCTYXIJSaoeivptuABEZHIKMNOPTYX",
)


@dataclass(frozen=True, slots=True)
class TaskText:
    """What of a benchmark task must not be found: what it asks, and how it is solved."""

    task_id: int
    prompt: str
    solution: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """A query shares words with a task; `score` is the share of the task's text that was found."""

    task_id: int
    tier: Tier
    score: float
    matched: str

    @property
    def proves(self) -> bool:
        """Whether the query holds the task, rather than a phrase of it."""
        return self.score >= PROVING_SHARE or len(self.matched.split()) >= PROVING_WORDS


@dataclass(frozen=True, slots=True)
class Shared:
    """How much of one reference text was found, and the longest stretch of it."""

    score: float
    stretch: str


def words_of(text: str) -> list[str]:
    """The words of a text, as the eye reads them."""
    visible = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return WORD.findall(visible.translate(LOOK_ALIKES).casefold())


class TaskIndex:
    """The tasks of all benchmarks, ready to be found in queries and their answers."""

    def __init__(self, tasks: Iterable[TaskText]) -> None:
        self.prompts, self.solutions = _References(), _References()
        for task in tasks:
            self.prompts.add(task.task_id, words_of(task.prompt))
            self.solutions.add(task.task_id, words_of(task.solution))

    def overlaps(self, query: str, response: str) -> list[Overlap]:
        """What a query and its answer share with tasks; the strongest reason per task and side."""
        asked, answered = words_of(query), words_of(response)
        same = self.prompts.whole_in(asked)
        shared = {task_id: found for task_id, found in self.prompts.shared_with(asked).items() if task_id not in same}
        return [
            *(Overlap(task_id, Tier.EXACT, 1.0, text) for task_id, text in same.items()),
            *(Overlap(task_id, Tier.NGRAM_QUERY, found.score, found.stretch) for task_id, found in shared.items()),
            *self._in_answer(answered),
        ]

    def _in_answer(self, answered: list[str]) -> Iterator[Overlap]:
        found = self.prompts.shared_with(answered)
        for task_id, shared in self.solutions.shared_with(answered).items():
            if task_id not in found or shared.score > found[task_id].score:
                found[task_id] = shared
        for task_id, text in (self.solutions.short_in(answered) | self.prompts.short_in(answered)).items():
            found[task_id] = Shared(1.0, text)
        for task_id, shared in found.items():
            if shared.score >= PROVING_SHARE:
                yield Overlap(task_id, Tier.NGRAM_ANSWER, shared.score, shared.stretch)


class _References:
    """Texts of one kind, prompts or solutions, found again by their runs of words."""

    def __init__(self) -> None:
        self.tasks_of_run: dict[str, list[int]] = defaultdict(list)
        self.run_counts: dict[int, int] = {}
        self.tasks_of_whole: dict[str, list[int]] = defaultdict(list)
        self.short: dict[tuple[str, ...], list[tuple[int, list[str]]]] = defaultdict(list)

    def add(self, task_id: int, words: list[str]) -> None:
        runs = set(_runs(words))
        self.run_counts[task_id] = len(runs)
        for run in runs:
            self.tasks_of_run[run].append(task_id)
        if words:
            self.tasks_of_whole[" ".join(words)].append(task_id)
        if PREFIX_WORDS <= len(words) < RUN_WORDS:
            self.short[tuple(words[:PREFIX_WORDS])].append((task_id, words))

    def whole_in(self, words: list[str]) -> dict[int, str]:
        """Texts that are these words, and short ones that stand among them, by task."""
        text = " ".join(words)
        return self.short_in(words) | dict.fromkeys(self.tasks_of_whole.get(text, ()), text[:MATCHED_LENGTH])

    def short_in(self, words: list[str]) -> dict[int, str]:
        return {
            task_id: " ".join(short)
            for start in range(len(words) - PREFIX_WORDS + 1)
            for task_id, short in self.short.get(tuple(words[start : start + PREFIX_WORDS]), ())
            if words[start : start + len(short)] == short
        }

    def shared_with(self, words: list[str]) -> dict[int, Shared]:
        """Texts that share a run with these words, by task."""
        runs = list(_runs(words))
        places: dict[int, list[int]] = defaultdict(list)
        for start, run in enumerate(runs):
            for task_id in self.tasks_of_run.get(run, ()):
                places[task_id].append(start)
        return {
            task_id: Shared(len({runs[start] for start in starts}) / self.run_counts[task_id], _stretch(words, starts))
            for task_id, starts in places.items()
        }


def _runs(words: list[str]) -> Iterator[str]:
    return (" ".join(words[start : start + RUN_WORDS]) for start in range(len(words) - RUN_WORDS + 1))


def _stretch(words: list[str], starts: list[int]) -> str:
    """The longest stretch of words covered by runs that follow one another."""
    first = best_first = best_last = starts[0]
    for previous, start in pairwise(starts):
        first = first if start == previous + 1 else start
        if start - first > best_last - best_first:
            best_first, best_last = first, start
    return " ".join(words[best_first : best_last + RUN_WORDS])[:MATCHED_LENGTH]
