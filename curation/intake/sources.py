"""The published layouts of query sets: one small function each, and the dict that names them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.intake.fields import JsonObject, checked_text, identifier_of, optional_text, sharegpt_messages, text_of
from curation.intake.records import BadRecord
from curation.texts import in_short

AUTO = "auto"


class UnknownLayout(Exception):
    """No record looks like a published query layout; the message says what the file holds instead."""


@dataclass(frozen=True, slots=True)
class SourceQuery:
    """A query as its source tells it."""

    text: str
    response: str
    language: str = ""
    external_id: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """A published layout: the fields by which it is recognised, and how one record is read."""

    title: str
    fields: tuple[str, ...]
    read: Callable[[JsonObject], SourceQuery]


def oss_instruct(record: JsonObject) -> SourceQuery:
    return SourceQuery(
        text=text_of(record, "problem"),
        response=text_of(record, "solution"),
        language=optional_text(record, "lang"),
        external_id=identifier_of(record, "index"),
    )


def magicoder_evol(record: JsonObject) -> SourceQuery:
    return SourceQuery(text=_instruction(record), response=text_of(record, "response"))


def evol_instruct_code(record: JsonObject) -> SourceQuery:
    """CodeAlpaca too: sets grown from it hold an input in some records only."""
    return SourceQuery(text=_instruction(record), response=text_of(record, "output"))


def _instruction(record: JsonObject) -> str:
    """The input follows the instruction on a line of its own, as in the sets that were grown from CodeAlpaca."""
    check_asks_alone(record)
    instruction, given = text_of(record, "instruction"), optional_text(record, "input")
    return f"{instruction}\n{given}" if given.strip() else instruction


def check_asks_alone(record: JsonObject) -> None:
    """Refuse what asks together with fields that a query has no place for."""
    for name in ("system", "history"):
        if record.get(name):
            raise BadRecord(f"field {name!r} belongs to the question, and a query has no place for it; take it out")


def sharegpt(record: JsonObject) -> SourceQuery:
    """One exchange; a conversation of several is a dialogue."""
    check_asks_alone(record)
    messages = sharegpt_messages(record)
    if [role for role, _ in messages] != ["user", "assistant"]:
        raise BadRecord(
            "field 'conversations' holds "
            + (" then ".join(role for role, _ in messages[:6]) or "nothing")
            + ", not one human and one gpt turn; longer conversations go through import_dialogues"
        )
    return SourceQuery(
        text=checked_text(messages[0][1], "conversations[0].value"),
        response=checked_text(messages[1][1], "conversations[1].value"),
        external_id=identifier_of(record, "id"),
    )


def code_feedback_filtered(record: JsonObject) -> SourceQuery:
    resource = optional_text(record, "resource")
    return SourceQuery(
        text=text_of(record, "query"),
        response=text_of(record, "answer"),
        language=optional_text(record, "lang"),
        tags=[resource] if resource else [],
    )


LAYOUTS = {
    "oss_instruct": Layout("OSS-Instruct", ("problem", "solution"), oss_instruct),
    "magicoder_evol": Layout("Magicoder-Evol-Instruct", ("instruction", "response"), magicoder_evol),
    "evol_instruct_code": Layout("Evol-Instruct-Code", ("instruction", "output"), evol_instruct_code),
    "code_alpaca": Layout("CodeAlpaca", ("instruction", "input", "output"), evol_instruct_code),
    "sharegpt": Layout("ShareGPT, one exchange", ("conversations",), sharegpt),
    "code_feedback_filtered": Layout("CodeFeedback-Filtered", ("query", "answer"), code_feedback_filtered),
}

# What other commands take, by fields that only such files have; looked at before the layouts of queries.
FILES_OF_COMMANDS = (
    (("messages",), "dialogues", "import_dialogues"),
    (("question", "solutions"), "problems", "import_problems"),
    (("statement", "tracks"), "problems", "import_problems"),
    (("slug", "title", "solutions"), "problems", "import_problems"),
    (("completion", "entry_point", "query"), "problems", "import_problems"),
    (("task_id", "prompt", "test"), "benchmark tasks", "import_benchmark"),
    (("task_id", "text", "test_list"), "benchmark tasks", "import_benchmark"),
)


def detect(values: Sequence[Any]) -> str:
    """The layout that the first records of a file have; UnknownLayout names the right command if there is one."""
    objects = [value for value in values if isinstance(value, dict)]
    if not objects:
        raise UnknownLayout("no record is a JSON object; give one object with named fields per record")
    check_is_for("import_queries", objects)
    best = max(LAYOUTS, key=lambda name: (_fit(objects, LAYOUTS[name].fields), len(LAYOUTS[name].fields)))
    if not any(_has(value, LAYOUTS[best].fields) for value in objects):
        raise UnknownLayout(_unknown(objects))
    return best


def check_is_for(command: str, objects: Iterable[JsonObject]) -> None:
    """Raise UnknownLayout when most of the records are what another command takes."""
    held = [_held(value) for value in objects]
    named = [what for what in held if what is not None and what[1] != command]
    if len(named) * 2 > len(held):
        raise UnknownLayout(f"this file holds {named[0][0]}; use {named[0][1]}")


def command_for(value: JsonObject) -> str:
    """The command that takes such a record; "" when that cannot be told."""
    held = _held(value)
    return held[1] if held else ""


def _held(value: JsonObject) -> tuple[str, str] | None:
    """What such a record is, and the command that takes it."""
    for fields, what, command in FILES_OF_COMMANDS:
        if _has(value, fields):
            return what, command
    if _answers_in(value) > 1:
        return "dialogues", "import_dialogues"
    if any(_has(value, layout.fields) for layout in LAYOUTS.values()):
        return "queries", "import_queries"
    return None


def _answers_in(record: JsonObject) -> int:
    """How many answers a ShareGPT conversation holds; 0 for anything else."""
    turns = record.get("conversations")
    if not isinstance(turns, list):
        return 0
    return sum(isinstance(turn, dict) and turn.get("from") in ("gpt", "assistant") for turn in turns)


def _has(value: JsonObject, fields: Iterable[str]) -> bool:
    return all(name in value for name in fields)


def _fit(objects: Sequence[JsonObject], fields: tuple[str, ...]) -> float:
    return sum(sum(name in value for name in fields) / len(fields) for value in objects)


def _unknown(objects: Sequence[JsonObject]) -> str:
    names = sorted({name for value in objects for name in value})[:20]
    wrapped = [name for value in objects[:1] for name, held in value.items() if isinstance(held, list)]
    if len(objects) == 1 and wrapped:
        return f"one object whose field {wrapped[0]!r} is a list; give that list as a file of its own"
    known = "; ".join(f"{name}: {', '.join(layout.fields)}" for name, layout in LAYOUTS.items())
    seen = ", ".join(map(in_short, names)) or "none"
    return f"no known layout; fields seen: {seen}. Name its fields (--map text=…,response=…). Layouts: {known}"
