"""How the demo server fails on demand: by a status, on the wire, by a 200 that is no answer, by a useless answer."""

import asyncio
import email.utils
import json
import math
import time
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from llm.demo_completion import Completion
from llm.prompts import estimate_tokens

JSON = "application/json"

# What stands under status 200 and is no answer.
BODIES = {
    "broken_json": (JSON, '{"choices": ['),
    "html": ("text/html", "<html><body>gateway</body></html>"),
    "error_object": (JSON, '{"error": {"message": "the demo server was told to fail"}}'),
    "not_a_completion": (JSON, '{"object": "list", "data": []}'),
}
REFUSAL = "I cannot help with that."
# Answers that are paid for and hold nothing of use: text, refusal, finish reason.
USELESS = {
    "empty": ("", None, "stop"),
    "refusal": (None, REFUSAL, "stop"),
    "content_filter": ("", None, "content_filter"),
    "wrong_schema": ('{"something": "else"}', None, "stop"),
}
STATUSES = ("429", "429_date", "429_ms", "500", "503", "400", "401")
# slow only delays the right answer; cut_body ends the connection in the middle of it; length ends its text early.
NAMES = (*STATUSES, "slow", "cut", "cut_body", *BODIES, *USELESS, "length")
# Those that take a number: seconds to wait or to ask to be waited for; for 429_ms, milliseconds. This one if not told.
NUMBERS = {"429": None, "500": None, "503": None, "429_date": 2.0, "429_ms": 500.0, "slow": 1.0}


class BadFault(ValueError):
    """A wish for a fault that the server cannot read."""


@dataclass(frozen=True)
class Fault:
    """A way to fail, with its number."""

    name: str
    number: float | None = None

    def __str__(self) -> str:
        return self.name if self.number is None else f"{self.name}={self.number:g}"


def parse_fault(text: str) -> Fault:
    """`500`, `slow=3`, `429=2` (with Retry-After: 2), `429_date=90`, `429_ms=1500`, `cut`…"""
    name, equals, number = text.strip().partition("=")
    if name not in NAMES:
        raise BadFault(f"unknown fault {name!r}; the faults are {', '.join(NAMES)}")
    if not equals:
        return Fault(name, NUMBERS.get(name))
    if name not in NUMBERS:
        raise BadFault(f"the fault {name} takes no number; those that do are {', '.join(NUMBERS)}")
    try:
        fault = Fault(name, float(number))
    except ValueError:
        raise BadFault(f"fault {text!r}: {number!r} is not a number; write it like {name}=2") from None
    if not 0 <= float(number) < math.inf:
        raise BadFault(f"fault {text!r}: {number} is out of range; write a number of at least 0")
    return fault


async def fail(fault: Fault, request: web.Request) -> web.Response | None:
    """The failure that takes the place of an answer; None when an answer is still to be made."""
    if fault.name == "slow":
        await asyncio.sleep(fault.number or 0.0)
        return None
    if fault.name == "cut":
        return cut(request)
    if fault.name in BODIES:
        content_type, text = BODIES[fault.name]
        return web.Response(text=text, content_type=content_type)
    return _status(fault) if fault.name in STATUSES else None


def spoilt(fault: Fault, completion: Completion) -> Completion:
    """The answer as the fault leaves it: paid for by what it still holds."""
    if fault.name == "length":
        text = completion.payload["choices"][0]["message"]["content"]
        return _holding(completion, text[: len(text) // 2], None, "length")
    return _holding(completion, *USELESS[fault.name]) if fault.name in USELESS else completion


async def send_half(request: web.Request, body: bytes) -> web.Response:
    """Begin a whole answer, and end the connection in its middle."""
    response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    return cut(request)


def cut(request: web.Request) -> web.Response:
    """End the connection; what is returned only ends the handler."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _holding(completion: Completion, text: str | None, refusal: str | None, finish_reason: str) -> Completion:
    choice = completion.payload["choices"][0]
    message = choice["message"] | {"content": text, "refusal": refusal}
    changed = {"message": message, "finish_reason": finish_reason, "logprobs": None}
    tokens = estimate_tokens(text or refusal or "")
    usage = {"completion_tokens": tokens, "total_tokens": completion.prompt_tokens + tokens}
    payload = completion.payload | {"choices": [choice | changed], "usage": completion.payload["usage"] | usage}
    return replace(completion, completion_tokens=tokens, payload=payload)


def _status(fault: Fault) -> web.Response:
    status = int(fault.name[:3])
    error: dict[str, Any] = {"message": f"the demo server was told to answer {status}", "type": "demo", "code": None}
    return web.Response(
        body=json.dumps({"error": error}).encode(), status=status, content_type=JSON, headers=_wait_headers(fault)
    )


def _wait_headers(fault: Fault) -> dict[str, str]:
    if fault.number is None:
        return {}
    if fault.name == "429_ms":
        return {"retry-after-ms": f"{fault.number:g}"}
    if fault.name == "429_date":
        # A date holds whole seconds: up, so that nobody comes back too early.
        return {"Retry-After": email.utils.formatdate(math.ceil(time.time() + fault.number), usegmt=True)}
    return {"Retry-After": f"{fault.number:g}"}
