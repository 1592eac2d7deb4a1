"""A field mapping: which field of an unknown layout holds the text, the response and the rest of a query."""

import csv
from collections.abc import Mapping
from functools import partial
from typing import Any

from curation.intake.fields import JsonObject, identifier_of, kind_of, optional_text, text_of
from curation.intake.records import BadRecord
from curation.intake.sources import Layout, SourceQuery
from curation.texts import storable

MAPPED = "mapped"
REQUIRED = ("text", "response")
TARGETS = (*REQUIRED, "language", "id", "tags")
FIELD_NAME_LIMIT = 200

FieldMap = dict[str, str]


class BadMapping(ValueError):
    """The mapping cannot be used; the message names the pair and what may stand there."""


def parsed_mapping(line: str) -> FieldMap:
    """`text=prompt,response=output` as a mapping; a pair with a comma in its field stands in double quotes."""
    mapping: FieldMap = {}
    for pair in _pairs(line):
        target, equals, name = (part.strip() for part in pair.partition("="))
        if not equals:
            raise BadMapping(f"mapping {pair!r}: write target=field, for example text=prompt")
        if target in mapping:
            raise BadMapping(f"mapping names {target} twice: {mapping[target]!r} and {name!r}; keep one")
        mapping[target] = name
    return checked_mapping(mapping)


def _pairs(line: str) -> list[str]:
    try:
        return next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        raise BadMapping(f"mapping {line!r} goes over several lines; write it on one") from None


def checked_mapping(mapping: Mapping[str, str]) -> FieldMap:
    """The mapping in the order of the targets; raises BadMapping when a target is unknown or missing."""
    for target, name in mapping.items():
        if target not in TARGETS:
            raise BadMapping(f"mapping names {target!r}, which is no target; choose from {', '.join(TARGETS)}")
        if not 0 < len(name) <= FIELD_NAME_LIMIT:
            raise BadMapping(f"mapping of {target}: name a field of the file, of at most {FIELD_NAME_LIMIT} characters")
        if name != storable(name):
            raise BadMapping(f"mapping of {target}: {name!r} holds a character that no field name can have")
    if missing := [target for target in REQUIRED if target not in mapping]:
        raise BadMapping(f"mapping says nothing of {' and '.join(missing)}; add {missing[0]}=FIELD")
    return {target: mapping[target] for target in TARGETS if target in mapping}


def layout_of(mapping: FieldMap) -> Layout:
    """A layout like the published ones, read by the mapping."""
    return Layout("mapped", tuple(mapping.values()), partial(_query, mapping))


def _query(mapping: FieldMap, record: JsonObject) -> SourceQuery:
    # The record as if its fields stood flat, under the names of the mapping.
    flat = {name: value for name in mapping.values() for value in _values_at(record, name)}
    return SourceQuery(
        text=text_of(flat, mapping["text"]),
        response=text_of(flat, mapping["response"]),
        language=optional_text(flat, mapping.get("language", "")),
        external_id=identifier_of(flat, mapping.get("id", "")),
        tags=_tags(flat, mapping.get("tags", "")),
    )


def _values_at(record: JsonObject, name: str) -> list[Any]:
    """The value of that field, or nothing; dots lead into objects and, by number, into lists."""
    if name in record:
        return [record[name]]
    value: Any = record
    for step in name.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return []
    return [value]


def _tags(flat: JsonObject, name: str) -> list[str]:
    """A list of texts, or one text; nothing when the record has none."""
    value = flat.get(name)
    tags = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadRecord(f"field {name!r} is {kind_of(value)}, not a list of texts; mend it or map another field")
    return [tag for tag in tags if tag.strip()]
