"""The published layouts of problem sets: one small function each, and the dict that names them.

A problem's tests say of which kind they are: `input_output` (inputs, outputs, function), `check` (preamble, code,
entry_point: Python that asserts) or `files` (test file by language); {} when the source has none.
"""

import ast
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

from curation.intake.fields import JsonObject, checked_text, kind_of, optional_text, text_of
from curation.intake.languages import canonical
from curation.intake.records import BadRecord
from curation.intake.sources import UnknownLayout, check_is_for

TIME_TOLD = re.compile(r"^\W*Time:\s*(?P<time>O\([^\n]{1,60}\))\s*(?:,|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SourceSolution:
    """One solution; the language is "" when it is not known."""

    language: str
    code: str
    complexity: str = ""


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """A problem as its source tells it."""

    external_id: str
    title: str
    text: str
    difficulty: str
    tags: list[str]
    tests: dict[str, Any]
    solutions: list[SourceSolution]
    has_statement: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """A published layout: the fields by which it is recognised, and how one record is read."""

    title: str
    fields: tuple[str, ...]
    read: Callable[[JsonObject], SourceProblem]


def taco(record: JsonObject) -> SourceProblem:
    """Solutions and tests are JSON in a string, tags are a Python list in a string."""
    codes = _from_json(record, "solutions", list)
    cases = _from_json(record, "input_output", dict)
    tags = _from_python(record, "raw_tags") or _from_python(record, "tags")
    tests = {
        "kind": "input_output",
        "inputs": cases.get("inputs", []),
        "outputs": cases.get("outputs", []),
        "function": cases.get("fn_name") or "",
        "starter_code": optional_text(record, "starter_code"),
    }
    return SourceProblem(
        external_id=optional_text(record, "url") or optional_text(record, "name"),
        title=optional_text(record, "name"),
        text=text_of(record, "question"),
        difficulty=optional_text(record, "difficulty"),
        tags=tags,
        tests=tests if tests["inputs"] else {},
        solutions=[_python_or_unknown(checked_text(code, "solutions")) for code in codes],
    )


def leetcode_dataset(record: JsonObject) -> SourceProblem:
    """The query holds the statement and the starter code; the completion solves it in Python."""
    task = text_of(record, "task_id")
    about = record.get("meta")
    difficulty = record if "difficulty" in record else about if isinstance(about, dict) else {}
    tests = {
        "kind": "check",
        "preamble": optional_text(record, "prompt"),
        "code": text_of(record, "test"),
        "entry_point": text_of(record, "entry_point"),
    }
    return SourceProblem(
        external_id=task,
        title=task.replace("-", " ").title(),
        text=text_of(record, "query"),
        difficulty=optional_text(difficulty, "difficulty"),
        tags=_texts(record.get("tags") or [], "tags"),
        tests=tests,
        solutions=[SourceSolution("python", text_of(record, "completion"))],
    )


def exercism(record: JsonObject) -> SourceProblem:
    """One solution and one test file for each track, which is a language."""
    tracks = record.get("tracks")
    if not isinstance(tracks, dict) or not all(isinstance(track, dict) for track in tracks.values()):
        what = f"field 'tracks' is {kind_of(tracks)}"
        raise BadRecord(f"{what}, not an object with one object for each language; mend or remove the record")
    first: JsonObject = next(iter(tracks.values()), {})
    files = {canonical(name) or name: track["test_file"] for name, track in tracks.items() if track.get("test_file")}
    topics = [topic for track in tracks.values() for topic in _texts(track.get("topics") or [], "topics")]
    return SourceProblem(
        external_id=text_of(record, "slug"),
        title=optional_text(record, "title"),
        text=text_of(record, "statement"),
        difficulty=str(first.get("difficulty") or ""),
        tags=list(dict.fromkeys(topics)),
        tests={"kind": "files", "files": files} if files else {},
        solutions=[SourceSolution(canonical(name), text_of(track, "solution")) for name, track in tracks.items()],
    )


def leetcode_multi(record: JsonObject) -> SourceProblem:
    """Solutions in many languages, without the statement: the title stands for it until a set brings it."""
    return SourceProblem(
        external_id=text_of(record, "slug"),
        title=text_of(record, "title"),
        text=text_of(record, "title"),
        difficulty=optional_text(record, "difficulty"),
        tags=_texts(record.get("topics") or [], "topics"),
        tests={},
        solutions=[_told_complexity(one) for one in _from_json(record, "solutions", list)],
        has_statement=False,
    )


def _told_complexity(solution: Any) -> SourceSolution:
    """The complexity is what the solution's own comment says."""
    if not isinstance(solution, dict):
        what = f"field 'solutions' holds {kind_of(solution)}"
        raise BadRecord(f"{what}, not objects with lang and code; mend or remove the record")
    code = text_of(solution, "code")
    said = TIME_TOLD.search(code)
    return SourceSolution(canonical(text_of(solution, "lang")), code, said["time"] if said else "")


LAYOUTS = {
    "taco": Layout("TACO", ("question", "solutions", "input_output"), taco),
    "leetcode_dataset": Layout("LeetCodeDataset", ("task_id", "query", "completion", "test"), leetcode_dataset),
    "exercism": Layout("exercism", ("slug", "statement", "tracks"), exercism),
    "leetcode_multi": Layout("LeetCode solutions in many languages", ("slug", "title", "solutions"), leetcode_multi),
}


def detect(values: Sequence[Any]) -> str:
    """The layout of most of the first records of a file; raises UnknownLayout."""
    objects = [value for value in values if isinstance(value, dict)]
    check_is_for("import_problems", objects)
    fits = {name: sum(set(layout.fields) <= value.keys() for value in objects) for name, layout in LAYOUTS.items()}
    best = max(fits, key=lambda name: fits[name])
    if not fits[best]:
        known = "; ".join(f"{name}: {', '.join(layout.fields)}" for name, layout in LAYOUTS.items())
        raise UnknownLayout(f"no known layout of problems. Layouts: {known}")
    return best


def _from_json(record: JsonObject, name: str, expected: type[list[Any]] | type[dict[str, Any]]) -> Any:
    value = record.get(name) or expected()
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise BadRecord(f"field {name!r} is not JSON; mend or remove the record") from None
    if not isinstance(read, expected):
        raise BadRecord(f"field {name!r} is {kind_of(read)}, not a JSON {expected.__name__}; mend or remove the record")
    return read


def _from_python(record: JsonObject, name: str) -> list[str]:
    value = record.get(name) or []
    try:
        read = ast.literal_eval(value) if isinstance(value, str) else value
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise BadRecord(f"field {name!r} is not a list in Python's notation; mend it or take it out") from None
    return _texts(read, name)


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadRecord(f"field {name!r} is {kind_of(value)}, not a list of texts; mend it or take it out")
    return value


def _python_or_unknown(code: str) -> SourceSolution:
    try:
        with catch_warnings():  # an odd escape in the code is not ours to report
            simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return SourceSolution("", code)
    return SourceSolution("python", code)
