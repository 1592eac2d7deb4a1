"""The demo model's answer as the chat-completions protocol spells it: choices, usage, probabilities, JSON by schema."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llm.demo_bank import Bank
from llm.demo_conversation import Messages
from llm.demo_feedback import criticise
from llm.demo_refining import interpret, refine
from llm.demo_scoring import Judgement, judge, level_of
from llm.demo_writing import draft, explain, sabotage
from llm.prompts import BYTES_PER_TOKEN, estimate_tokens

WRITERS: Mapping[str, Callable[[Messages, Bank], str]] = {
    "demo-drafter": draft,
    "demo-refiner": refine,
    "demo-critic": criticise,
    "demo-saboteur": sabotage,
    "demo-explainer": explain,
    "demo-interpreter": interpret,
}
MODELS = ("demo-scorer", *WRITERS)
TOKENS_PER_MESSAGE = 4
# A digit is a token of its own, so that the score's place can carry probabilities.
TOKEN = re.compile(r"[0-9]|\s?[^\s0-9]{1,12}|\s+")
# How sharply the judge's leaning falls off towards other levels.
SPREAD = 0.45


class BadRequest(ValueError):
    """A request that the protocol does not allow; `code` as in the error object."""

    def __init__(self, problem: str, code: str = "invalid_request", status: int = 400) -> None:
        super().__init__(problem)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Completion:
    """The JSON of an answer, and what it cost in tokens."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    payload: dict[str, Any]


def complete(body: Mapping[str, Any], bank: Bank, digest: bytes) -> Completion:
    """Answer one request; the same body brings the same bytes."""
    model, messages = _checked(body)
    schema = _schema(body)
    judgement = _shaped(judge(messages, bank), schema) if model == "demo-scorer" else None
    text = judgement.text if judgement else WRITERS[model](messages, bank)
    text, finish_reason = _cut(text, body.get("max_completion_tokens") or body.get("max_tokens"))
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "logprobs": {"content": _probabilities(text, judgement, body)} if body.get("logprobs") else None,
        "finish_reason": finish_reason,
    }
    prompt_tokens = sum(estimate_tokens(message["content"]) + TOKENS_PER_MESSAGE for message in messages)
    completion_tokens = estimate_tokens(text)
    payload = {
        "id": f"chatcmpl-demo-{digest.hex()[:24]}",
        "object": "chat.completion",
        "created": 0,  # a clock would make two answers to one body differ
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
        "system_fingerprint": "demo",
    }
    return Completion(model, prompt_tokens, completion_tokens, payload)


def _checked(body: Mapping[str, Any]) -> tuple[str, Messages]:
    model, messages = body.get("model"), body.get("messages")
    if model not in MODELS:
        raise BadRequest(f"the demo server has no model {model!r}; it has {', '.join(MODELS)}", "model_not_found", 404)
    if body.get("stream"):
        raise BadRequest("the demo server does not stream")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages should be a list of at least one message")
    for message in messages:
        if not isinstance(message, dict) or not all(isinstance(message.get(key), str) for key in ("role", "content")):
            raise BadRequest("every message should have a role and a content, both text")
    return model, messages


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") != "json_schema":
        return None
    schema = wanted.get("json_schema", {}).get("schema")
    if not isinstance(schema, dict):
        raise BadRequest("response_format names json_schema but holds no schema")
    return schema


def _shaped(judgement: Judgement, schema: Mapping[str, Any] | None) -> Judgement:
    """The judge's reply as the JSON that a schema asks for: its whole number is the score, its text the reason."""
    if schema is None:
        return judgement
    values: dict[str, Any] = {}
    for name, field in schema.get("properties", {}).items():
        values[name] = level_of(judgement.leaning) if field.get("type") in ("integer", "number") else judgement.text
    text = json.dumps(values, ensure_ascii=False)
    digit = re.search(r": ([1-5])(?=[,}])", text)
    return Judgement(text, digit.start(1) if digit else None, judgement.leaning)


def _cut(text: str, max_tokens: object) -> tuple[str, str]:
    if not isinstance(max_tokens, int) or estimate_tokens(text) <= max_tokens:
        return text, "stop"
    return text.encode(errors="replace")[: int(max_tokens * BYTES_PER_TOKEN)].decode(errors="ignore"), "length"


def _probabilities(text: str, judgement: Judgement | None, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per token; at the score's place the five levels, by how far the judge's leaning is from each."""
    wanted = int(body.get("top_logprobs") or 0)
    entries = []
    for match in TOKEN.finditer(text):
        if judgement is not None and match.start() == judgement.place:
            levels = _levels(judgement.leaning)
            entry = _entry(match[0], levels[match[0]])
            ranked = [_entry(*one) for one in sorted(levels.items(), key=lambda level: -level[1])]
        else:
            entry = _entry(match[0], -0.01)
            ranked = [entry]
        entries.append(entry | {"top_logprobs": ranked[:wanted]})
    return entries


def _levels(leaning: float) -> dict[str, float]:
    # A leaning beyond the scale is as sure as can be, not an error.
    centre = max(0.6, min(5.4, leaning))
    weights = {str(level): math.exp(-(((level - centre) / SPREAD) ** 2) / 2) for level in range(1, 6)}
    total = sum(weights.values())
    return {token: math.log(weight / total) for token, weight in weights.items()}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 6), "bytes": list(token.encode("utf-8", "surrogatepass"))}
