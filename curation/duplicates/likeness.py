"""The form in which near-duplicate queries are one: case, sentence marks, courtesies and names of functions are folded.

Numbers, operators, brackets and words that turn the meaning round stay, so that another question stays another.
"""

import hashlib
import re
import unicodedata

from curation.duplicates.meanings import told_by_name
from curation.texts import INVISIBLE

TOKEN = re.compile(r"[^\W_]\w*|_\w+|[=!<>+\-*/%&|^]=|\+\+|--|&&|\|\||[^\w\s]")
SENTENCE_MARKS = frozenset(",.;:?!\"'`_’‘“”")
# Said before or after a task without being part of it.
COURTESIES = {
    "please", "kindly", "thanks", "thank you",
    "can you help me with this", "could you help me with this", "i need help with this",
}  # fmt: skip
# Before it only: at the end of a task they are often what it speaks of ("... and print hello").
OPENINGS = COURTESIES | {"hello", "hi", "hey", "task", "question", "problem", "q"}
LONGEST_COURTESY = max(len(phrase.split()) for phrase in COURTESIES)
# Names of functions and classes; those of variables and columns often are what a query asks about.
DECLARED = re.compile(
    r"\b(?:def|function|func|fn|sub)\s+([^\W\d]\w*)\s*\(|\bclass\s+([^\W\d]\w*)\s*[:({]", re.IGNORECASE
)
# In so short a text the name itself is the question: "complete def is_even(n)".
SHORTEST_TO_RENAME = 20


def folded_words(text: str) -> list[str]:
    """Words, numbers, operators and brackets of a text, without case, sentence marks and courtesies."""
    tokens = TOKEN.findall(INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    return _without_courtesies([token.casefold() for token in tokens if token not in SENTENCE_MARKS])


def likeness(words: list[str], names: frozenset[str]) -> str:
    """One line that near-duplicates share: folded words, declared names numbered in order of appearance."""
    if not names or len(words) < SHORTEST_TO_RENAME:
        return " ".join(words)
    numbers: dict[str, str] = {}
    for word in words:
        if word in names and word not in numbers:
            numbers[word] = f"<{len(numbers)} {' '.join(told_by_name(word))}>"
    return " ".join(numbers.get(word, word) for word in words)


def declared_names(text: str) -> frozenset[str]:
    """The names of functions and classes that the text declares, without case."""
    return frozenset(name.casefold() for found in DECLARED.findall(text) for name in found if name)


def likeness_key(words: list[str], names: frozenset[str]) -> int:
    """The likeness as eight bytes: small enough to hold one for every query of a large pool."""
    return int.from_bytes(hashlib.blake2b(likeness(words, names).encode(), digest_size=8).digest())


def _without_courtesies(words: list[str]) -> list[str]:
    task = words
    while (length := _courtesy(task, from_start=True)) and length < len(task):
        task = task[length:]
    while (length := _courtesy(task, from_start=False)) and length < len(task):
        task = task[:-length]
    return task


def _courtesy(words: list[str], *, from_start: bool) -> int:
    """How many words of courtesy stand at that end."""
    for length in range(min(LONGEST_COURTESY, len(words)), 0, -1):
        said = " ".join(words[:length] if from_start else words[-length:])
        if said in (OPENINGS if from_start else COURTESIES):
            return length
    return 0
