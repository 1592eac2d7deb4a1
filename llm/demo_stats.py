"""What the demo server was asked: requests, repeats, tokens and money, so that a test can count what was paid."""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from llm.demo_arrivals import Arrival
from llm.demo_completion import Completion
from llm.demo_keys import KeyTable
from llm.prices import Price

FREE = Price(Decimal(0), Decimal(0))


@dataclass
class ModelStats:
    answered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: Decimal = Decimal(0)


@dataclass
class Stats:
    """Counts since the last reset. A request counts when it arrives; tokens and money when it is answered, also when
    nobody waits for the answer any more, as a real endpoint bills it."""

    prices: Mapping[str, Price] = field(default_factory=dict)
    requests: int = 0
    faults: int = 0
    cut_off_by_clients: int = 0
    in_flight: int = 0
    in_flight_peak: int = 0
    keys: KeyTable = field(default_factory=KeyTable)
    models: defaultdict[str, ModelStats] = field(default_factory=lambda: defaultdict(ModelStats))

    def entered(self) -> None:
        """A request begins; whoever calls this takes it off in_flight at its end."""
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)

    def arrived(self, digest: bytes) -> Arrival:
        """A request is there in whole."""
        self.requests += 1
        return Arrival(digest, self.keys.arrived(digest))

    def answered(self, arrival: Arrival, answer: Completion) -> None:
        """A request is paid for."""
        usd = self.prices.get(answer.model, FREE).of(answer.prompt_tokens, answer.completion_tokens)
        row = self.models[answer.model]
        row.answered += 1
        row.prompt_tokens += answer.prompt_tokens
        row.completion_tokens += answer.completion_tokens
        row.usd += usd
        self.keys.answered(arrival.digest, answer.prompt_tokens, answer.completion_tokens, usd)

    def reset(self) -> None:
        self.requests = self.faults = self.cut_off_by_clients = 0
        self.in_flight_peak = self.in_flight
        self.keys = KeyTable()
        self.models.clear()

    def as_json(self) -> dict[str, Any]:
        rows = self.models.values()
        return {
            "requests": self.requests,
            "distinct": len(self.keys),
            "repeated": self.requests - len(self.keys),
            "answered": sum(row.answered for row in rows),
            "faults": self.faults,
            "cut_off_by_clients": self.cut_off_by_clients,
            "in_flight": self.in_flight,
            "in_flight_peak": self.in_flight_peak,
            "prompt_tokens": sum(row.prompt_tokens for row in rows),
            "completion_tokens": sum(row.completion_tokens for row in rows),
            "usd": f"{sum((row.usd for row in rows), Decimal(0)):f}",
            "models": {name: vars(row) | {"usd": f"{row.usd:f}"} for name, row in sorted(self.models.items())},
            "cpu_s": time.process_time(),
        }


def digest_of(body: Mapping[str, Any]) -> bytes:
    """The sha256 of a request body as canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).digest()
