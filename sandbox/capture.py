"""Keeps the head and the tail of a stream that may be far longer than we want to hold."""

import codecs
from dataclasses import dataclass, field

CONTINUATION = range(0x80, 0xC0)


@dataclass(slots=True)
class Capture:
    """One output stream: the first and the last `keep_bytes / 2` bytes and the count of all."""

    keep_bytes: int
    total_bytes: int = 0
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)

    def add(self, chunk: bytes) -> None:
        """Take what was read next."""
        self.total_bytes += len(chunk)
        room = self.keep_bytes - self.keep_bytes // 2 - len(self.head)
        self.head += chunk[:room]
        self.tail += chunk[room:]
        # Cut only now and then: deleting from the front of a long buffer at every chunk costs a copy each.
        if len(self.tail) > 4 * self.keep_bytes:
            self._cut_tail()

    @property
    def truncated(self) -> bool:
        """Whether something between head and tail is left out."""
        return self.total_bytes > self.keep_bytes

    def text(self) -> str:
        """What was kept, as text without NUL, with one line for what was left out."""
        self._cut_tail()
        if not self.truncated:
            return _readable(bytes(self.head + self.tail))
        left_out = self.total_bytes - len(self.head) - len(self.tail)
        return f"{_readable_head(self.head)}\n...({left_out} bytes left out)...\n{_readable_tail(self.tail)}"

    def _cut_tail(self) -> None:
        surplus = len(self.tail) - self.keep_bytes // 2
        if surplus > 0:
            del self.tail[:surplus]


def _readable(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\0", "")


def _readable_head(raw: bytearray) -> str:
    """Text up to the cut, without the first bytes of a character that the cut went through."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(raw)).replace("\0", "")


def _readable_tail(raw: bytearray) -> str:
    """Text after the cut, without the last bytes of a character that the cut went through."""
    start = 0
    while start < min(3, len(raw)) and raw[start] in CONTINUATION:
        start += 1
    return _readable(bytes(raw[start:]))
