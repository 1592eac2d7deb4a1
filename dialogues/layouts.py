"""The layouts an export can have: one small function each, from a dialogue's id and messages to a record."""

from collections.abc import Callable
from typing import Any

from dialogues.versions import Messages

SHAREGPT_SPEAKER = {"user": "human", "assistant": "gpt"}

Layout = Callable[[int, Messages], dict[str, Any]]


def code_feedback(dialogue_id: int, messages: Messages) -> dict[str, Any]:
    """The published layout of Code-Feedback."""
    return {"id": dialogue_id, "messages": _role_first(messages)}


def openai(dialogue_id: int, messages: Messages) -> dict[str, Any]:
    """Chat fine-tuning: messages and nothing else, since further keys are an error there."""
    return {"messages": _role_first(messages)}


def sharegpt(dialogue_id: int, messages: Messages) -> dict[str, Any]:
    """Conversations of humans and gpt, with a text as id."""
    spoken = [{"from": SHAREGPT_SPEAKER[message["role"]], "value": message["content"]} for message in messages]
    return {"id": str(dialogue_id), "conversations": spoken}


def _role_first(messages: Messages) -> Messages:
    return [{"role": message["role"], "content": message["content"]} for message in messages]


LAYOUTS: dict[str, Layout] = {"code_feedback": code_feedback, "openai": openai, "sharegpt": sharegpt}
