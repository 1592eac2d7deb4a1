"""Reads the head of an HTTP request strictly: whatever is unusual in it is refused, with a status and a reason."""

import asyncio
from dataclasses import dataclass, field

from .answers import Refused

LONGEST_HEAD = 16 * 1024  # bytes
MOST_HEADERS = 64
LONGEST_COUNT = 12  # digits of a content length


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the headers, whose names are in lower case."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """What stands behind `Authorization: Bearer`; empty without it."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def body_bytes(self, most: int) -> int:
        """How long the body is; raises Refused without a length or above `most`."""
        if "transfer-encoding" in self.headers:
            raise Refused(501, "Transfer-Encoding is not taken: send the body whole, with Content-Length")
        text = self.headers.get("content-length")
        if text is None:
            raise Refused(411, "Content-Length is missing: send the body whole, with its length in bytes")
        if not (text.isascii() and text.isdigit()):
            raise Refused(400, f"Content-Length must be a number of bytes, not {text[:40]!r}")
        if len(text) > LONGEST_COUNT or int(text) > most:
            raise Refused(413, f"the request has more than {most} bytes, the most this runner takes (--max-request)")
        return int(text)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The head of the next request; None when the client said nothing and left."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Refused(431, f"the head of the request has more than {LONGEST_HEAD} bytes") from None
    except asyncio.IncompleteReadError as incomplete:
        if incomplete.partial:
            raise Refused(400, "the request ended before its head did") from None
        return None
    first, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise Refused(400, f"this is no request of HTTP/1.1: {first[:80]!r}")
    return Head(words[0], words[1], _headers(lines))


def _headers(lines: list[str]) -> dict[str, str]:
    if len(lines) > MOST_HEADERS:
        raise Refused(431, f"more than {MOST_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.isascii() or not name or name != name.strip() or "\n" in line or "\r" in line:
            raise Refused(400, f"this is no header: {line[:80]!r}")
        if name.lower() in headers:
            raise Refused(400, f"the header {name[:40]!r} is given twice")
        headers[name.lower()] = value.strip()
    return headers
