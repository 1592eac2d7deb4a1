"""Read a JSON array element by element, through a window that slides along the file."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from curation.intake.records import (
    DECODER,
    RECORD_LIMIT,
    BrokenFile,
    Record,
    Refused,
    record_of,
    refused,
    why_not_json,
    why_not_utf8,
)

WHITE_SPACE = re.compile(r"[ \t\r\n]*")
UNDECODABLE = re.compile("[\udc80-\udcff]")
# A value cut off where the window ends fails within its longest token (an escaped character, -Infinity) of that end.
LONGEST_TOKEN = 16
# A number may go on in the next block, so a character that ends it must be in sight.
NUMBER_GOES_ON = re.compile(r"[-+.0-9eE]*\Z")
# Finds where an element ends that the strict decoder refuses (NaN, raw control characters, endless numbers).
LENIENT = json.JSONDecoder(strict=False, parse_int=str)


def array_records(blocks: Iterator[bytes]) -> Iterator[Record | Refused]:
    """The elements in order; raises BrokenFile where the array breaks off."""
    window = _Window(blocks)
    window.take("[")
    number = 0
    while window.next_character() != "]":
        if number:
            window.take(",", after=number)
        number += 1
        yield window.element(number)
    window.take("]")
    if window.next_character():
        raise BrokenFile("text follows the end of the array; keep one array in the file")


def undecodable_byte(text: str) -> int | None:
    """The first byte that was no UTF-8, in text decoded with surrogateescape."""
    found = None if text.isascii() else UNDECODABLE.search(text)
    return None if found is None else ord(found.group()) - 0xDC00


class _Window:
    """The part of the file that is in memory, and how far it has been used."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks = blocks
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self.text, self.position, self.ended = "", 0, False

    def next_character(self) -> str:
        """The next character that is not white space; empty at the end of the file."""
        while True:
            self.position = _end_of_white_space(self.text, self.position)
            if self.position < len(self.text):
                return self.text[self.position]
            if self.ended:
                return ""
            self._read_on()

    def take(self, expected: str, *, after: int = 0) -> None:
        found = self.next_character()
        if not found:
            raise BrokenFile(f"the array is cut off after record {after}; get the file again")
        if found != expected:
            raise BrokenFile(f"{found!r} stands where {expected!r} must follow record {after}; mend the array there")
        self.position += 1

    def element(self, number: int) -> Record | Refused:
        self.next_character()
        while True:
            try:
                value, end, reason = self._decode()
            except RecursionError:
                raise BrokenFile(f"record {number} is nested too deeply; flatten or remove it") from None
            except json.JSONDecodeError as error:
                self._check_is_unfinished(number, error)
            else:
                if not NUMBER_GOES_ON.match(self.text, end):
                    return self._finish(number, value, end, reason)
                if self.ended:
                    return self._last(number, value, end, reason)
            self._read_on()

    def _last(self, number: int, value: Any, end: int, reason: str) -> Record | Refused:
        """The element on which the file ends; of a number nobody can say whether that was all of it."""
        if isinstance(value, int | float):
            raise BrokenFile(f"the array is cut off in record {number}; get the file again")
        return self._finish(number, value, end, reason)

    def _decode(self) -> tuple[Any, int, str]:
        try:
            value, end = DECODER.raw_decode(self.text, self.position)
        except ValueError as error:
            _, end = LENIENT.raw_decode(self.text, self.position)
            return None, end, why_not_json(error)
        return value, end, ""

    def _check_is_unfinished(self, number: int, error: json.JSONDecodeError) -> None:
        """Whether the element merely goes on in the next block; otherwise its end cannot be found."""
        if self.ended:
            raise BrokenFile(f"the array is cut off in record {number}; get the file again") from None
        if len(self.text) - self.position > RECORD_LIMIT:
            raise BrokenFile(f"record {number} is longer than {RECORD_LIMIT:,} characters; cut it down") from None
        if not error.msg.startswith("Unterminated string") and error.pos < len(self.text) - LONGEST_TOKEN:
            raise BrokenFile(f"record {number} is {why_not_json(error)}") from None

    def _finish(self, number: int, value: Any, end: int, reason: str) -> Record | Refused:
        raw = self.text[self.position : end]
        self.position = end
        if (byte := undecodable_byte(raw)) is not None:
            return refused(number, why_not_utf8(byte), raw)
        return refused(number, reason, raw) if reason else record_of(number, value, raw)

    def _read_on(self) -> None:
        block = next(self.blocks, None)
        self.ended = block is None
        self.text = self.text[self.position :] + self.decoder.decode(block or b"", final=self.ended)
        self.position = 0


def _end_of_white_space(text: str, start: int) -> int:
    found = WHITE_SPACE.match(text, start)
    return found.end() if found else start
