"""Read one field of a record whose file we do not own: right type, not blank, within limits; BadRecord otherwise."""

from typing import Any

from curation.intake.records import BadRecord, Unreadable
from curation.texts import is_blank

JsonObject = dict[str, Any]

TEXT_LIMIT = 1_000_000
IDENTIFIER_LIMIT = 128
ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
KIND_NAMES = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}


def text_of(record: JsonObject, name: str) -> str:
    """The text of a field that every record of the layout has."""
    if name not in record:
        raise BadRecord(f"field {name!r} is missing; add it or remove the record")
    return checked_text(record[name], name)


def checked_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadRecord(f"field {name!r} is {kind_of(value)}, not text; write it as text or remove the record")
    if len(value) > TEXT_LIMIT:
        raise BadRecord(f"field {name!r} has {len(value):,} characters, the limit is {TEXT_LIMIT:,}; cut it down")
    if is_blank(value):
        raise BadRecord(f"field {name!r} is blank; fill it in or remove the record")
    return value


def optional_text(record: JsonObject, name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRecord(f"field {name!r} is {kind_of(value)}, not text; write it as text or take it out")
    return value


def identifier_of(record: JsonObject, name: str) -> str:
    """An id as text; ids are provenance and tell no two queries apart."""
    value = record.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadRecord(f"field {name!r} is {kind_of(value)}, not an id; write a text or a number, or take it out")
    if len(text := str(value)) > IDENTIFIER_LIMIT:
        raise BadRecord(
            f"field {name!r} has {len(text)} characters, the limit of an id is {IDENTIFIER_LIMIT}; shorten it"
        )
    return text


def kind_of(value: Any) -> str:
    """What a value is, in words; Parquet has more kinds than JSON."""
    if value is None:
        return "null"
    if isinstance(value, Unreadable):
        return value.what
    return "text" if isinstance(value, str) else KIND_NAMES.get(type(value), f"of type {type(value).__name__}")


def sharegpt_messages(record: JsonObject) -> list[tuple[str, Any]]:
    """Role and value of each turn of a ShareGPT conversation, roles under the names user, assistant, system."""
    turns = record.get("conversations")
    if not isinstance(turns, list):
        raise BadRecord(f"field 'conversations' is {kind_of(turns)}, not a list of turns; mend or remove the record")
    return [_sharegpt_turn(turn, position) for position, turn in enumerate(turns)]


def _sharegpt_turn(turn: Any, position: int) -> tuple[str, Any]:
    if not isinstance(turn, dict):
        what = f"field 'conversations[{position}]' is {kind_of(turn)}"
        raise BadRecord(f"{what}, not an object with from and value; mend or remove the record")
    speaker = turn.get("from")
    if not isinstance(speaker, str) or speaker not in ROLES:
        what = f"field 'conversations[{position}].from' is {speaker!r:.60}"
        raise BadRecord(f"{what}, not human, gpt or system; rename it or remove the record")
    return ROLES[speaker], turn.get("value")
