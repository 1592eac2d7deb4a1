"""Rating templates as TOML files: read with errors that name line, field and remedy, written so that reading gives
the same again."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

from curation.models import AnswerOrder, Template
from llm.prompts import PromptError, placeholders

LEVELS = 5
FIELDS = ("name", "answer_order", "level_labels", "body")
NEEDED_PLACES, POSSIBLE_PLACES = {"query", "levels", "order"}, {"query", "levels", "order", "response"}
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BadTemplate(ValueError):
    """A template file that cannot be used; the message names the file, the line, the field and the remedy."""


def read_template(text: str, where: str) -> Template:
    """A template, not yet saved, from the text of a TOML file."""
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadTemplate(f"{where}: not valid TOML: {error}; correct that line") from None
    for field, problem in _problems(fields):
        line = _line_of(field, text)
        raise BadTemplate(f"{where}: line {line}: {problem}" if line else f"{where}: {problem}")
    return Template(**fields)


def write_template(template: Template) -> str:
    """The template as TOML; its version is no part of it, because each house counts its own."""
    # Between three quotes a line feed that follows a carriage return would swallow it on reading.
    over_lines = not any("\r\n" in text for text in (template.body, *template.level_labels))
    return tomli_w.dumps({name: getattr(template, name) for name in FIELDS}, multiline_strings=over_lines)


def problem_of_body(body: str) -> str | None:
    """Why this cannot be a template's body, and the remedy."""
    try:
        places = placeholders(body)
    except PromptError as error:
        return f"body: {error}"
    if NEEDED_PLACES <= places <= POSSIBLE_PLACES:
        return None
    return (
        f"the body needs the places {', '.join(sorted(NEEDED_PLACES))} and may have response; "
        f"it has {', '.join(sorted(places)) or 'none'}; write each as {{{{name}}}}"
    )


def _problems(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and problem, one after the other."""
    known = f"the fields are {', '.join(FIELDS)}; this file has {', '.join(fields) or 'none'}"
    yield from ((name, f"{name} is no field: {known}; take it out") for name in fields if name not in FIELDS)
    yield from ((name, f"{name} is missing: {known}") for name in FIELDS if name not in fields)
    for name in ("name", "answer_order", "body"):
        if not isinstance(fields[name], str):
            yield name, f"{name} should be a text between quotes; is {fields[name]!r:.80}"
    if not NAME.fullmatch(fields["name"]):
        yield "name", f"name {fields['name']!r:.80} should be 1 to 64 letters, digits, - or _"
    if fields["answer_order"] not in AnswerOrder.values:
        yield "answer_order", f"answer_order {fields['answer_order']!r} is none of {', '.join(AnswerOrder.values)}"
    labels = fields["level_labels"]
    if not isinstance(labels, list) or len(labels) != LEVELS or not all(_is_label(label) for label in labels):
        yield "level_labels", f"level_labels should be {LEVELS} texts of one line, level 1 first; is {labels!r:.80}"
    if problem := problem_of_body(fields["body"]):
        yield "body", problem


def _is_label(label: object) -> bool:
    return isinstance(label, str) and bool(label.strip()) and len(label.splitlines()) == 1


def _line_of(field: str, text: str) -> int | None:
    """The line on which the field is set."""
    setting = re.compile(rf"""\s*["']?{re.escape(field)}["']?\s*=""")
    return next((number for number, line in enumerate(text.splitlines(), start=1) if setting.match(line)), None)
