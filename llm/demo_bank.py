"""The demo model's solved problems: read from llm/bank/*.toml, checked, and found again in a conversation."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from llm.blocks import code_blocks

BANK_DIR = Path(__file__).parent / "bank"

CATEGORIES = (
    "Syntax and Formatting",
    "Efficiency",
    "Functionality Enhancements",
    "Code Clarity and Documentation",
    "Bug Identification",
    "Security Improvements",
    "Compatibility and Testing",
    "Resource Optimization",
    "Scalability",
    "Adherence to Best Practices",
)


class BankError(ValueError):
    """A problem of the bank is not whole."""


@dataclass(frozen=True)
class Problem:
    """A query, a wrong first answer, the right one, a user's wish, and the answer to that."""

    slug: str
    level: int
    query: str
    draft: str
    fixed: str
    category: str
    satisfied: str
    not_satisfied: str
    feedback: str
    final: str


@dataclass(frozen=True)
class Bank:
    """All problems, by their query with white space folded."""

    problems: dict[str, Problem]

    def find(self, text: str) -> Problem | None:
        """The problem whose query stands in a text."""
        folded = fold(text)
        if folded in self.problems:
            return self.problems[folded]
        words = set(folded.split(" "))
        likely = (query for query, word in self._marks.items() if not word or word in words)
        return next((self.problems[query] for query in likely if query in folded), None)

    @cached_property
    def _marks(self) -> dict[str, str]:
        """The longest inner word of each query: a text that lacks it is passed over without a search through it all.

        The first and the last word may be glued to what stands around the query.
        """
        return {query: max(query.split(" ")[1:-1], key=len, default="") for query in self.problems}


def load_bank(folder: Path = BANK_DIR) -> Bank:
    """Read and check every problem of a folder."""
    problems: dict[str, Problem] = {}
    seen: set[str] = set()
    for path in sorted(folder.glob("*.toml")):
        for problem in _problems_of(path):
            if problem.slug in seen or fold(problem.query) in problems:
                raise BankError(f"{path.name}: {problem.slug} stands in the bank twice")
            seen.add(problem.slug)
            problems[fold(problem.query)] = problem
    return Bank(problems)


def fold(text: str) -> str:
    """Runs of white space as one space."""
    return " ".join(text.split())


def python_code(answer: str) -> str:
    """The code of an answer that holds one Python block; empty when it holds none."""
    return next((block.code for block in code_blocks(answer) if block.language == "python"), "")


def _problems_of(path: Path) -> Iterator[Problem]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("problem", [])
    except tomllib.TOMLDecodeError as error:
        raise BankError(f"{path.name}: not valid TOML: {error}") from None
    for number, entry in enumerate(entries, start=1):
        yield _problem(entry, f"{path.name}: problem {entry.get('slug', number)}")


def _problem(entry: dict[str, Any], where: str) -> Problem:
    wanted = {field.name: field.type for field in fields(Problem)}
    if entry.keys() != wanted.keys():
        odd = ", ".join(sorted(entry.keys() ^ wanted.keys()))
        raise BankError(f"{where}: missing or unknown: {odd}")
    for name, kind in wanted.items():
        if not isinstance(entry[name], int if kind is int else str) or not entry[name]:
            raise BankError(f"{where}: {name} is empty or of the wrong type")
    stripped: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) else value for name, value in entry.items()
    }
    problem = Problem(**stripped)
    _check(problem, where)
    return problem


def _check(problem: Problem, where: str) -> None:
    if problem.level not in range(1, 6):
        raise BankError(f"{where}: level {problem.level} is not within 1-5")
    if problem.category not in CATEGORIES:
        raise BankError(f"{where}: {problem.category!r} is none of the ten categories")
    for name in ("draft", "fixed", "final"):
        found = [block.language for block in code_blocks(getattr(problem, name))]
        if found != ["python"]:
            raise BankError(f"{where}: {name} holds the blocks {found} instead of one Python block")
    if python_code(problem.fixed) in (python_code(problem.draft), python_code(problem.final)):
        raise BankError(f"{where}: draft, fixed and final must differ in their code")
