"""What the demo server was asked, key by key, in columns: half a million keys take little room and no collection."""

from array import array
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from llm.prices import SMALLEST_USD


class KeyTable:
    """A row for every request body: how often it came, how often it was answered, tokens and money."""

    def __init__(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._requests, self._answered = array("I"), array("I")
        self._prompt_tokens, self._completion_tokens, self._billionths = array("Q"), array("Q"), array("Q")

    def __len__(self) -> int:
        return len(self._rows)

    def arrived(self, key: bytes) -> int:
        """Count a request; the how-manieth of its key it is."""
        row = self._row(key)
        self._requests[row] += 1
        return self._requests[row]

    def answered(self, key: bytes, prompt_tokens: int, completion_tokens: int, usd: Decimal) -> None:
        row = self._row(key)
        self._answered[row] += 1
        self._prompt_tokens[row] += prompt_tokens
        self._completion_tokens[row] += completion_tokens
        self._billionths[row] += int(usd / SMALLEST_USD)

    def blocks(self, size: int) -> Iterator[dict[str, dict[str, Any]]]:
        """All rows by the key in hex, some at a time; requests may be counted meanwhile."""
        keys = list(self._rows)
        for start in range(0, len(keys), size):
            yield {key.hex(): self._as_json(row) for row, key in enumerate(keys[start : start + size], start)}

    def _as_json(self, row: int) -> dict[str, Any]:
        return {
            "requests": self._requests[row],
            "answered": self._answered[row],
            "prompt_tokens": self._prompt_tokens[row],
            "completion_tokens": self._completion_tokens[row],
            "usd": f"{self._billionths[row] * SMALLEST_USD:f}",
        }

    def _row(self, key: bytes) -> int:
        row = self._rows.setdefault(key, len(self._rows))
        if row == len(self._requests):
            for column in (self._requests, self._answered):
                column.append(0)
            for column in (self._prompt_tokens, self._completion_tokens, self._billionths):
                column.append(0)
        return row
