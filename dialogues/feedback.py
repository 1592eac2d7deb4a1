"""The simulated user: feedback on an answer from the most fitting of ten categories, read strictly."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dialogues.prompts import prompt
from llm.replies import BadReply, read_json
from runs.kinds import Ask, Message

# In the paper's order.
CATEGORIES = (
    "Syntax and Formatting",
    "Efficiency",
    "Functionality Enhancements",
    "Code Clarity and Documentation",
    "Bug Identification",
    "Security Improvements",
    "Compatibility and Testing",
    "Resource Optimization",
    "Scalability",
    "Adherence to Best Practices",
)
ROLE = "critic"
MOST_SENTENCES = 2
FIELDS = ("satisfied", "not_satisfied", "feedback", "category")
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in FIELDS[:3]},
        "category": {"type": "string", "enum": list(CATEGORIES)},
    },
    "required": list(FIELDS),
    "additionalProperties": False,
}
SPEAKER = {"user": "User", "assistant": "Assistant"}

CODE_SPAN = re.compile(r"`[^`]*`")
ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|resp|Dr|Mr|Ms)\.", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the simulated user says, and which call said it."""

    satisfied: str
    not_satisfied: str
    feedback: str
    category: str
    call_id: int


async def simulated_feedback(conversation: Sequence[Message], ask: Ask) -> Feedback:
    """The critic's word on the conversation so far; an unusable reply is asked for once more, then BadReply."""
    messages = critic_messages(conversation)
    answer = await ask(ROLE, messages, schema=SCHEMA)
    try:
        return read_feedback(answer.text, call_id=answer.call_id)
    except BadReply:
        second = await ask(ROLE, messages, sample=1, schema=SCHEMA)
        return read_feedback(second.text, call_id=second.call_id)


def critic_messages(conversation: Sequence[Message]) -> list[dict[str, str]]:
    """The question put to the critic: its instructions, then the conversation as quoted text."""
    categories = "\n".join(f"- {category}" for category in CATEGORIES)
    return [
        {"role": "system", "content": prompt("critic", categories=categories)},
        {"role": "user", "content": prompt("conversation", conversation=quoted(conversation))},
    ]


def quoted(conversation: Sequence[Message]) -> str:
    """The turns under `User:` and `Assistant:`; a turn cannot end the quotation."""
    turns = (f"{SPEAKER[message['role']]}:\n{message['content']}" for message in conversation)
    return "\n\n".join(turns).replace("</conversation>", "< /conversation>")


def read_feedback(text: str, *, call_id: int) -> Feedback:
    """The critic's reply; BadReply unless every field is there, the category known and the feedback short."""
    record = read_json(text, dict.fromkeys(FIELDS, str))
    fields = {name: record[name].strip() for name in FIELDS}
    for name in ("not_satisfied", "feedback"):
        if not fields[name]:
            raise BadReply(f"{name} is empty in {text[:80]!r}")
    if fields["category"] not in CATEGORIES:
        raise BadReply(f"{fields['category'][:60]!r} is none of the ten categories")
    if (count := sentences(fields["feedback"])) > MOST_SENTENCES:
        raise BadReply(f"feedback of {count} sentences, {MOST_SENTENCES} at most: {fields['feedback'][:80]!r}")
    return Feedback(**fields, call_id=call_id)


def sentences(text: str) -> int:
    """How many sentences a text has; a full stop in code, a number or an abbreviation ends none."""
    prose = ABBREVIATION.sub("abbreviation", CODE_SPAN.sub("code", text)).strip()
    ends = list(SENTENCE_END.finditer(prose))
    unfinished = bool(prose) and (not ends or ends[-1].end() < len(prose))
    return len(ends) + unfinished
