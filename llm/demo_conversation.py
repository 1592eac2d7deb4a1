"""How the demo model reads what it is sent: the query, the last wish, the turns of a quoted conversation."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

Messages = Sequence[Mapping[str, str]]
Thing = TypeVar("Thing")

EXECUTION = re.compile(r"\s*execution result", re.IGNORECASE)
TURN = re.compile(r"^(User|Assistant):[ \t]*\n?", re.MULTILINE)


def user_texts(messages: Messages) -> list[str]:
    return [message["content"] for message in messages if message["role"] == "user"]


def last_user_text(messages: Messages, holding: str = "") -> str:
    """The last user message that holds a mark; without one, simply the last."""
    texts = user_texts(messages)
    return next((text for text in reversed(texts) if holding in text), texts[-1] if texts else "")


def last_answer(messages: Messages) -> str:
    """The last assistant message."""
    return next((message["content"] for message in reversed(messages) if message["role"] == "assistant"), "")


def between(text: str, tag: str) -> str:
    """What stands between the first <tag> and the last </tag>; empty when they are absent."""
    _, opened, rest = text.partition(f"<{tag}>")
    inner, closed, _ = rest.rpartition(f"</{tag}>")
    return inner.strip() if opened and closed else ""


def outside(text: str, tag: str) -> str:
    """The text without what stands between <tag> and </tag>."""
    before, opened, rest = text.partition(f"<{tag}>")
    _, closed, after = rest.rpartition(f"</{tag}>")
    return before + after if opened and closed else text


def quoted_turns(prompt: str) -> list[tuple[str, str]]:
    """(speaker, text) of a conversation quoted with `User:` and `Assistant:` at line starts."""
    parts = TURN.split(between(prompt, "conversation"))
    return [(speaker.lower(), text.strip()) for speaker, text in zip(parts[1::2], parts[2::2], strict=True)]


def is_execution(text: str) -> bool:
    """Whether a user's turn reports a run."""
    return EXECUTION.match(text) is not None


def choose(things: Sequence[Thing], text: str, salt: str) -> Thing:
    """One of several things, always the same for the same text."""
    digest = hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return things[int.from_bytes(digest[:4], "big") % len(things)]
