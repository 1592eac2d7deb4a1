"""What reading a file yields: records, refused records, and the error of a file that cannot be read on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from curation.texts import storable

# One record never takes more memory than this; queries and answers are far shorter.
RECORD_LIMIT = 16_000_000
EXCERPT_LENGTH = 300


class BrokenFile(Exception):
    """The file as a whole, or its rest, cannot be read; the message says what to do."""


class BadRecord(ValueError):
    """One record does not hold what its layout promises; the message names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value or CSV row. `line` is the line it stands on; in an array or CSV its number."""

    line: int
    value: Any
    excerpt: str
    length: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is not taken, and why; `names` are its field names where they are known all the same."""

    line: int
    reason: str
    excerpt: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Unreadable:
    """Stands for a value of a record that nobody can read; only where it is wanted, the record is refused."""

    what: str

    def __repr__(self) -> str:
        return f"({self.what})"


def record_of(line: int, value: Any, raw: str) -> Record:
    return Record(line, value, raw[:EXCERPT_LENGTH], len(raw))


def refused(line: int, reason: str, raw: str = "", names: Iterable[str] = ()) -> Refused:
    """The refusal with its texts as pages and both databases can hold them."""
    return Refused(line, storable(reason), storable(raw[:EXCERPT_LENGTH]), tuple(names))


class NotJson(ValueError):
    """A constant that Python reads and JSON does not have."""


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def why_not_json(error: ValueError) -> str:
    """The decoder's complaint as a reason with a remedy."""
    if isinstance(error, NotJson):
        return f"{error}; mend or remove the record"
    if not isinstance(error, json.JSONDecodeError):  # Python reads no whole number of more than 4,300 digits
        return "holds a number with thousands of digits; write it as text or remove it"
    if error.msg == "Extra data" and error.doc[error.pos :].strip() == ",":
        return "a comma follows the record; take the commas away, or give the whole as a JSON array"
    if error.msg == "Extra data":
        return "more than one JSON value on the line; put each record on a line of its own, ended by a line feed"
    what = error.msg.removesuffix(" at")
    return f"not JSON: {what} at column {error.colno}; mend or remove the record"


def why_not_utf8(byte: int) -> str:
    return f"byte 0x{byte:02x} is not UTF-8; convert the file to UTF-8"
