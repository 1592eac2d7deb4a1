"""One entry of models.toml, read field by field; a wrong value is an error that names file, entry and remedy."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, overload
from urllib.parse import urlsplit

# What the ledger's columns hold; an answer that was paid for must not fail over it.
LONGEST_NAME = 64
MOST, LARGEST_WHOLE = 1e12, 2**63 - 1


class CatalogError(ValueError):
    """Something in models.toml, or in the environment it points to, is wrong."""


@dataclass
class Entry:
    """A table such as [endpoints.demo]; remembers which fields were asked for."""

    path: Path
    shelf: str
    name: str
    fields: Mapping[str, Any]
    known: list[str] = field(default_factory=list)

    @classmethod
    def all_of(cls, path: Path, shelf: str, tables: Mapping[str, Any]) -> "Iterator[Entry]":
        """The entries of one shelf, in the order of the file."""
        table = tables.get(shelf, {})
        if not isinstance(table, dict):
            raise CatalogError(f"{path}: {shelf} is not a table; write [{shelf}.NAME]")
        for name, fields in table.items():
            if not isinstance(fields, dict):
                raise CatalogError(f"{path}: {shelf}.{name} is not a table; write [{shelf}.{name}]")
            entry = cls(path, shelf, name, fields)
            if len(name) > LONGEST_NAME:
                raise entry.error(f"has a name of {len(name)} characters", f"{LONGEST_NAME} are the most")
            yield entry

    def error(self, problem: str, remedy: str) -> CatalogError:
        return CatalogError(f"{self.path}: [{self.shelf}.{self.name}] {problem}; {remedy}")

    def refuse_unknown(self) -> None:
        """Call when every field has been read: what is left over is a mistake."""
        for name in self.fields:
            if name in self.known:
                continue
            if "key" in name:
                raise self.error(f"has {name}", 'no key stands in this file: write key_env = "NAME_OF_THE_VARIABLE"')
            guess = get_close_matches(name, self.known, n=1)
            remedy = f"did you mean {guess[0]}?" if guess else f"the fields are {', '.join(self.known)}"
            raise self.error(f"has an unknown field {name}", remedy)

    def text(self, name: str, default: str | None = None) -> str:
        value = self._value(name, default)
        if value is None:
            raise self.error(f"lacks {name}", f'add {name} = "…"')
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{name} = {value!r} is not a text", "write it in quotes")
        return value.strip()

    def url(self, name: str) -> str:
        value = self.text(name)
        if re.search(r"//[^/]*@", value):
            raise self.error(f"{name} holds a password", "take it out and name a variable with key_env")
        if not _is_address(value):
            raise self.error(f"{name} = {value!r} is no address", 'write it like "http://127.0.0.1:8001/v1"')
        return value.rstrip("/")

    def variable(self, name: str) -> str | None:
        value = self._value(name, None)
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
            # The value is not shown: it may be a key put in the wrong place.
            raise self.error(f"{name} is not the name of an environment variable", 'write it like "OPENAI_API_KEY"')
        return value

    def flag(self, name: str) -> bool:
        value = self._value(name, False)
        if not isinstance(value, bool):
            raise self.error(f"{name} = {value!r} is neither true nor false", "write one of them without quotes")
        return value

    @overload
    def whole(self, name: str, default: int, *, least: int) -> int: ...
    @overload
    def whole(self, name: str, default: None, *, least: int) -> int | None: ...
    def whole(self, name: str, default: int | None, *, least: int) -> int | None:
        value = self._value(name, default)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST_WHOLE:
            raise self.error(
                f"{name} = {value!r:.40} is out of range",
                f"write a whole number of at least {least}, of 18 digits at most",
            )
        return value

    @overload
    def number(self, name: str, default: float, *, least: float, most: float = MOST) -> float: ...
    @overload
    def number(self, name: str, default: None, *, least: float, most: float = MOST) -> float | None: ...
    def number(self, name: str, default: float | None, *, least: float, most: float = MOST) -> float | None:
        value = self._value(name, default)
        if value is None:
            return None
        # The comparison also refuses nan, which TOML can spell.
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise self.error(
                f"{name} = {value!r:.40} is out of range", f"write a number of at least {least}, at most {most:g}"
            )
        return float(value)

    def table(self, name: str) -> dict[str, Any]:
        value = self._value(name, {})
        if not isinstance(value, dict):
            raise self.error(f"{name} = {value!r} is not a table", f"write [{self.shelf}.{self.name}.{name}]")
        return value

    def json_table(self, name: str) -> dict[str, Any]:
        """A table that goes out as JSON, which knows no dates and no nan."""
        value = self.table(name)
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise self.error(
                f"{name} cannot be written as JSON ({error})", "write texts, numbers, true or false, and lists of them"
            ) from None
        return value

    def _value(self, name: str, default: object) -> Any:
        self.known.append(name)
        return self.fields.get(name, default)


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        # Reading the port checks it.
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    # A path is put behind it, and a name has no empty part.
    plain = not parts.query and not parts.fragment and ".." not in (parts.hostname or "")
    return named and plain and not re.search(r"\s", value)
