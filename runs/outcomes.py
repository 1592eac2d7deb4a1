"""One attempt to ask a question: what is about to leave, what came of it, and both as lines of JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

IDENTITY = ("run_id", "key", "role", "endpoint", "model", "sample")
RESULT = ("finish_reason", "prompt_tokens", "completion_tokens", "latency_s", "error_kind", "error")
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A question that is about to leave: all that the ledger needs to know of it. `request` is canonical JSON."""

    run_id: int
    key: str
    role: str
    endpoint: str
    model: str
    sample: int
    request: bytes

    def line(self, number: int) -> bytes:
        """The line `sent` of an attempt of that number."""
        return _line({"sent": number} | {name: getattr(self, name) for name in IDENTITY}, "request", self.request)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Sent":
        """Read from a line again."""
        return cls(request=canonical(record["request"]), **{name: record[name] for name in IDENTITY})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt brought: an answer (`response`: its canonical JSON), or why there is none. Cost in USD."""

    sent: Sent
    response: bytes | None = None
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = None
    latency_s: float | None = None
    error_kind: str = ""
    error: str = ""

    def line(self, number: int, ordinal: int) -> bytes:
        """The line `got` of the attempt of that number."""
        cost = None if self.cost is None else str(self.cost)
        head = {"got": number, "ordinal": ordinal, "cost": cost}
        return _line(head | {name: getattr(self, name) for name in RESULT}, "response", self.response or b"null")

    @classmethod
    def of(cls, sent: Sent, record: Mapping[str, Any]) -> "Outcome":
        """Read from a line again."""
        response = None if record["response"] is None else canonical(record["response"])
        cost = None if record["cost"] is None else Decimal(record["cost"])
        return cls(sent, response, cost=cost, **{name: record[name] for name in RESULT})


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces, as UTF-8; what no UTF-8 can hold is replaced."""
    return CANONICAL.encode(value).encode("utf-8", "replace")


def _line(head: Mapping[str, Any], name: str, body: bytes) -> bytes:
    """One line of JSON; the body is JSON already and goes in as it stands."""
    return json.dumps(head).encode()[:-1] + b', "' + name.encode() + b'": ' + body + b"}\n"
