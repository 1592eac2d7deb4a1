"""The frozen form of a dialogue: its messages as canonical JSON with their hash, written at approval, never changed."""

import hashlib

from accounts.models import User
from dialogues.models import Dialogue, Version
from runs.outcomes import canonical

Messages = list[dict[str, str]]


def messages_of(dialogue: Dialogue) -> Messages:
    """The dialogue as learners read it: role and content of each turn, in order."""
    turns = dialogue.turns.order_by("position").values_list("role", "content")
    return [{"role": role, "content": content} for role, content in turns]


def frozen(messages: Messages) -> tuple[str, str]:
    """The messages as canonical JSON (sorted keys, no spaces), and the sha256 of its UTF-8."""
    text = canonical(messages)
    return text.decode(), hashlib.sha256(text).hexdigest()


def write_version(dialogue: Dialogue, *, by: User | None) -> Version:
    """Freeze the dialogue as it reads now under its next number; call it inside the verb's own transaction."""
    messages, sha256 = frozen(messages_of(dialogue))
    last = dialogue.versions.order_by("-number").values_list("number", flat=True).first()
    return Version.objects.create(dialogue=dialogue, number=(last or 0) + 1, messages=messages, sha256=sha256, by=by)
