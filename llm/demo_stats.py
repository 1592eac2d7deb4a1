"""What the demo server was asked: requests, repeats, tokens and money, so that a test can count what was paid."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens."""

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal

    def of(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        paid = self.input_usd_per_million * prompt_tokens + self.output_usd_per_million * completion_tokens
        return paid / 1_000_000


@dataclass
class ModelStats:
    answered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: Decimal = Decimal(0)


@dataclass
class Stats:
    """Counts since the last reset. A request counts when it arrives, tokens and money when it is answered."""

    prices: Mapping[str, Price] = field(default_factory=dict)
    requests: int = 0
    faults: int = 0
    in_flight: int = 0
    in_flight_peak: int = 0
    seen: Counter[bytes] = field(default_factory=Counter)
    models: defaultdict[str, ModelStats] = field(default_factory=lambda: defaultdict(ModelStats))

    def arrived(self, digest: bytes) -> None:
        self.requests += 1
        self.seen[digest] += 1

    def answered(self, model: str, prompt_tokens: int, completion_tokens: int) -> None:
        row = self.models[model]
        row.answered += 1
        row.prompt_tokens += prompt_tokens
        row.completion_tokens += completion_tokens
        if model in self.prices:
            row.usd += self.prices[model].of(prompt_tokens, completion_tokens)

    def reset(self) -> None:
        self.requests = self.faults = 0
        self.in_flight_peak = self.in_flight
        self.seen.clear()
        self.models.clear()

    def as_json(self) -> dict[str, Any]:
        rows = self.models.values()
        return {
            "requests": self.requests,
            "distinct": len(self.seen),
            "repeated": self.requests - len(self.seen),
            "answered": sum(row.answered for row in rows),
            "faults": self.faults,
            "in_flight": self.in_flight,
            "in_flight_peak": self.in_flight_peak,
            "prompt_tokens": sum(row.prompt_tokens for row in rows),
            "completion_tokens": sum(row.completion_tokens for row in rows),
            "usd": str(sum((row.usd for row in rows), Decimal(0))),
            "models": {name: vars(row) | {"usd": str(row.usd)} for name, row in sorted(self.models.items())},
        }


def digest_of(body: Mapping[str, Any]) -> bytes:
    """The sha256 of a request body as canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).digest()
