"""The JSON in which a job travels to a runner and its result back. Whatever comes from outside is checked here."""

import base64
import binascii
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn

from .languages import LANGUAGES, canonical
from .results import DEFAULT_LIMITS, Limits, RunResult, Status

LARGEST_NUMBER = 2**63 - 1
LONGEST_NAME = 64
FIELDS = ("code", "language", "stdin", "files", "limits")
WHOLE_LIMITS = {field.name for field in fields(Limits) if field.type is int}
PHASES = ("compile", "run")


class BadRequest(ValueError):
    """What was asked cannot be done; the text names the field and what it should be."""


class BadAnswer(ValueError):
    """What came back is no result of a run."""


@dataclass(frozen=True, slots=True)
class Request:
    """One program to run, as a caller of `run` gives it."""

    code: str
    language: str = "python"
    stdin: bytes = b""
    files: tuple[tuple[str, bytes], ...] = ()
    limits: Limits = DEFAULT_LIMITS


def write_request(request: Request) -> bytes:
    """The body of `POST /run`."""
    files = [{"name": name, "content": _text_of(content)} for name, content in request.files]
    body = {
        "code": request.code,
        "language": request.language,
        "stdin": _text_of(request.stdin),
        "files": files,
        "limits": asdict(request.limits),
    }
    return json.dumps(body).encode()


def read_request(body: bytes, most: Limits) -> Request:
    """The job in a body that anyone may have written, its limits lowered to `most`; raises BadRequest."""
    given = read_object(body)
    _only_known(given, FIELDS, "the request")
    return Request(
        code=_text(given, "code", required=True),
        language=_language(_text(given, "language") or "python"),
        stdin=_bytes(given.get("stdin", ""), "stdin"),
        files=tuple(_files(given.get("files", []))),
        limits=_limits(given.get("limits", {}), most),
    )


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, without the numbers that JSON does not have."""
    try:
        given = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON in UTF-8: {error}") from None
    if not isinstance(given, dict):
        raise BadRequest(f'the body must be a JSON object such as {{"code": "print(1)"}}, not {_kind(given)}')
    return given


def write_result(result: RunResult) -> dict[str, Any]:
    """The object that answers `POST /run`."""
    return asdict(result)


def read_result(body: bytes) -> RunResult:
    """The result in a runner's answer; raises BadAnswer for anything that no runner of ours writes."""
    try:
        given = read_object(body)
        _only_known(given, [field.name for field in fields(RunResult)], "the result")
        return RunResult(
            status=Status(given["status"]),
            stdout=_plain(given["stdout"]),
            stderr=_plain(given["stderr"]),
            exit_code=_count_or_none(given["exit_code"]),
            signal=_count_or_none(given["signal"]),
            truncated=given["truncated"] is True,
            stdout_bytes=_count(given["stdout_bytes"]),
            stderr_bytes=_count(given["stderr_bytes"]),
            wall_s=_seconds(given["wall_s"]),
            cpu_s=_seconds(given["cpu_s"]),
            peak_rss_bytes=_count(given["peak_rss_bytes"]),
            phase="compile" if PHASES.index(given["phase"]) == 0 else "run",
            backend=_name(given["backend"]),
            runtime=_name(given["runtime"]),
        )
    except KeyError as missing:
        raise BadAnswer(f"the result lacks {missing}") from None
    except ValueError as error:
        raise BadAnswer(str(error)) from None


def _text(given: dict[str, Any], name: str, *, required: bool = False) -> str:
    if required and name not in given:
        raise BadRequest(f"{name} is missing: give the program as text")
    text = given.get(name, "")
    if not isinstance(text, str):
        raise BadRequest(f"{name} must be text, not {_kind(text)}")
    return text


def _language(name: str) -> str:
    if canonical(name) not in LANGUAGES:
        raise BadRequest(f"language {name[:40]!r} is not known; known: {', '.join(LANGUAGES)}")
    return canonical(name)


def _bytes(text: object, name: str) -> bytes:
    if not isinstance(text, str):
        raise BadRequest(f"{name} must be base64 text, not {_kind(text)}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{name} is not base64: {error}") from None


def _files(given: object) -> Iterable[tuple[str, bytes]]:
    if not isinstance(given, list):
        raise BadRequest(f"files must be a list of objects with name and content, not {_kind(given)}")
    for number, file in enumerate(given):
        where = f"files[{number}]"
        if not isinstance(file, dict) or not isinstance(file.get("name"), str):
            raise BadRequest(f"{where} must be an object with a name as text and a content in base64")
        _only_known(file, ("name", "content"), where)
        yield file["name"], _bytes(file.get("content", ""), f"{where}.content")


def _limits(given: object, most: Limits) -> Limits:
    """Those that are not named keep their defaults; none is above the runner's own."""
    if not isinstance(given, dict):
        raise BadRequest(f'limits must be an object such as {{"wall_s": 5}}, not {_kind(given)}')
    greatest = asdict(most)
    _only_known(given, greatest, "limits")
    asked = {name: _limit(name, value) for name, value in given.items()}
    wanted = asdict(DEFAULT_LIMITS) | asked
    return Limits(**{name: min(value, greatest[name]) for name, value in wanted.items()})


def _limit(name: str, value: object) -> float:
    kind = "whole number" if name in WHOLE_LIMITS else "number"
    right = isinstance(value, int) or (isinstance(value, float) and name not in WHOLE_LIMITS)
    if isinstance(value, bool) or not isinstance(value, int | float) or not right:
        raise BadRequest(f"limits.{name} must be a {kind} above 0, not {_kind(value)}")
    if not value > 0 or value == math.inf:
        raise BadRequest(f"limits.{name} must be a {kind} above 0, not {str(value)[:40]}")
    return value


def _only_known(given: dict[str, Any], known: Iterable[str], where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadRequest(f"{where} has no field {unknown[0][:40]!r}; known: {', '.join(known)}")


def _no_number(name: str) -> NoReturn:
    raise BadRequest(f"{name} is no number of JSON")


def _text_of(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _kind(value: object) -> str:
    """How JSON calls it."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _plain(value: object) -> str:
    """Text that a database holds: no NUL, no half of a surrogate pair."""
    if not isinstance(value, str):
        raise BadAnswer(f"a text of the result is {_kind(value)}")
    return value.encode("utf-8", "replace").decode().replace("\0", "")


def _name(value: object) -> str:
    name = _plain(value)
    if len(name) > LONGEST_NAME:
        raise BadAnswer(f"a name of the result has {len(name)} characters, at most {LONGEST_NAME} are sensible")
    return name


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise BadAnswer(f"a count of the result is {str(value)[:40]!r}")
    return value


def _count_or_none(value: object) -> int | None:
    return None if value is None else _count(value)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise BadAnswer(f"a time of the result is {str(value)[:40]!r}")
    return float(value)
