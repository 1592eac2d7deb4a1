"""The tiers of contamination that read texts alone: what of a query or its answer is a benchmark's task.

Each tier is a function of its own below; what it finds either proves that the task is held, and the query is set aside,
or is a suspicion for a person to look at.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from curation.contamination.overlaps import MATCHED_LENGTH, RUN_WORDS, References, Shared, words_of
from curation.contamination.renaming import words_without_names
from curation.contamination.shapes import Outline, Shape, functions_in, outline_of, shape_of
from curation.models import Tier

# Raised with every change of these rules: what was checked under others is checked again.
RULES = 2
# Stock phrases ("a function that takes a string as input and returns the") and loops are shared by strangers, so only
# a whole text, or a long stretch that is much of it, proves anything.
PROVING_WORDS, PROVING_SHARE = 15, 0.5
LONG_WORDS, LONG_SHARE, DIFFERENT_WORDS = 20, 0.2, 8
SUSPICIOUS_SHARE = 0.2
# Of solutions nearly all: textbook loops are most of many.
PROVING_SOLUTION_SHARE = 0.8
# A function of fewer nodes than this is written the same by anyone.
PROVING_NODES = 60
SUSPICIOUS_NODES = 25

DOCSTRING = re.compile(r"\"\"\"(.*?)\"\"\"|'''(.*?)'''", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TaskText:
    """What of a benchmark task must not be found: what it asks, its tests where they are shown, how it is solved."""

    task_id: int
    prompt: str
    solution: str
    tests: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """A query shares something with a task; `score` is the share of the task that was found."""

    task_id: int
    tier: Tier
    score: float
    matched: str
    proves: bool


class TaskIndex:
    """The tasks of all benchmarks, ready to be found in queries and their answers."""

    def __init__(self, tasks: Iterable[TaskText]) -> None:
        self.prompts, self.nameless, self.solutions = References(), References(), References()
        self.shapes: dict[Outline, list[tuple[int, Shape]]] = defaultdict(list)
        for task in tasks:
            self.add(task)

    def add(self, task: TaskText) -> None:
        published = _as_published(task)
        for text in (task.prompt, published):
            self.prompts.add(task.task_id, words_of(text))
        self.nameless.add(task.task_id, words_without_names(published))
        for text in _docstrings(task.prompt):
            if len(words_of(text)) >= RUN_WORDS:  # one that only says "Add more test cases." is no task
                self.prompts.add(task.task_id, words_of(text))
                self.nameless.add(task.task_id, words_without_names(text, whole=task.prompt))
        self.solutions.add(task.task_id, words_of(task.solution))
        for function in functions_in(task.solution):
            shape = shape_of(function)
            if shape is not None and shape.size >= SUSPICIOUS_NODES:
                self.shapes[outline_of(function)].append((task.task_id, shape))

    def overlaps(self, query: str, response: str) -> list[Overlap]:
        """What a query and its answer share with tasks: per task and tier the strongest reason."""
        asked = words_of(query)
        in_query = {one.task_id: one for one in words_of_query(self, asked)}
        renamed = [one for one in renamed_query(self, query) if not _is_proved(in_query, one.task_id)]
        in_answer = list(words_of_answer(self, words_of(response)))
        known = {one.task_id for one in in_answer if one.proves}
        copied = [one for one in renamed_answer(self, response) if one.task_id not in known]
        found: dict[tuple[int, Tier], Overlap] = {}
        for one in [*in_query.values(), *renamed, *in_answer, *copied]:
            stands = found.get((one.task_id, one.tier))
            if stands is None or (one.proves, one.score) > (stands.proves, stands.score):
                found[one.task_id, one.tier] = one
        return list(found.values())


def words_of_query(index: TaskIndex, asked: list[str]) -> Iterator[Overlap]:
    """Exact where the query is the prompt and nothing else, word runs where it holds much of it."""
    for task_id, shared in index.prompts.shared_with(asked).items():
        is_all = shared.score == 1 and len(asked) == shared.words
        tier = Tier.EXACT if is_all else Tier.NGRAM_QUERY
        proves = is_all or _proves_words(shared)
        if proves or shared.score >= SUSPICIOUS_SHARE:
            yield Overlap(task_id, tier, shared.score, shared.stretch[:MATCHED_LENGTH], proves)


def words_of_answer(index: TaskIndex, answered: list[str]) -> Iterator[Overlap]:
    """The prompt, or nearly all of the solution, in the answer; a phrase of either is nothing to look at."""
    for task_id, shared in index.prompts.shared_with(answered).items():
        if _proves_words(shared):
            yield Overlap(task_id, Tier.NGRAM_ANSWER, shared.score, shared.stretch[:MATCHED_LENGTH], proves=True)
    for task_id, shared in index.solutions.shared_with(answered).items():
        if shared.score >= PROVING_SOLUTION_SHARE:
            yield Overlap(task_id, Tier.NGRAM_ANSWER, shared.score, shared.stretch[:MATCHED_LENGTH], proves=True)


def renamed_query(index: TaskIndex, query: str) -> Iterator[Overlap]:
    """The prompt with its examples, names left out on both sides."""
    for task_id, shared in index.nameless.shared_with(words_without_names(query)).items():
        if _proves_words(shared):
            yield Overlap(task_id, Tier.IDENTIFIERS, shared.score, shared.stretch[:MATCHED_LENGTH], proves=True)


def renamed_answer(index: TaskIndex, response: str) -> Iterator[Overlap]:
    """A function of the answer that is the solution under other names."""
    for function in functions_in(response):
        candidates = index.shapes.get(outline_of(function))
        if not candidates or (shape := shape_of(function)) is None:
            continue
        for task_id, reference in candidates:
            if reference.text == shape.text:
                proves = shape.size >= PROVING_NODES
                yield Overlap(task_id, Tier.IDENTIFIERS, 1.0, function[:MATCHED_LENGTH], proves)


def _proves_words(shared: Shared) -> bool:
    """Whether this is the text rather than a phrase of it."""
    if shared.score == 1:
        return True
    if shared.different_words < DIFFERENT_WORDS:
        return False
    is_much = shared.words >= PROVING_WORDS and shared.score >= PROVING_SHARE
    return is_much or (shared.words >= LONG_WORDS and shared.score >= LONG_SHARE)


def _is_proved(found: dict[int, Overlap], task_id: int) -> bool:
    return task_id in found and found[task_id].proves


def _docstrings(prompt: str) -> list[str]:
    return [double or single for double, single in DOCSTRING.findall(prompt)]


def _as_published(task: TaskText) -> str:
    """As evaluations put it: bare asserts are shown with the task, a function of tests is not."""
    shows_tests = task.tests and "def " not in task.tests
    return f"{task.prompt} Your code should pass these tests:\n\n{task.tests}" if shows_tests else task.prompt
