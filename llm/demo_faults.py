"""Faults on demand: a request's header, or a plan for the next requests, makes the demo server fail as real ones do."""

import asyncio
import json
from dataclasses import dataclass

from aiohttp import web

HEADER = "x-demo-fault"


def _completion(content: str | None, refusal: str | None) -> str:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage})


# What stands under status 200 and is no answer.
BODIES = {
    "broken_json": ("application/json", '{"choices": ['),
    "html": ("text/html", "<html><body>gateway</body></html>"),
    "error_object": ("application/json", '{"error": {"message": "the demo server was told to fail"}}'),
    "empty": ("application/json", _completion("", None)),
    "refusal": ("application/json", _completion(None, "I cannot help with that.")),
}
NAMES = ("429", "500", "401", "400", "cut", "slow", *BODIES)


class BadFault(ValueError):
    """A fault that the server does not know."""


@dataclass(frozen=True)
class Fault:
    """A way to fail, with a number: seconds to wait, or to ask to be waited for."""

    name: str
    seconds: float | None = None


@dataclass
class FaultPlan:
    """The fault of the next `left` requests; None left means all of them."""

    fault: Fault | None = None
    left: int | None = 0

    def take(self, header: str | None) -> Fault | None:
        """The fault of the request at hand."""
        if header:
            return parse_fault(header)
        if self.fault is None or self.left == 0:
            return None
        if self.left is not None:
            self.left -= 1
        return self.fault


def parse_fault(text: str) -> Fault:
    """`500`, `slow=3`, `429=2` (with Retry-After: 2), `cut`…"""
    name, _, number = text.partition("=")
    if name not in NAMES:
        raise BadFault(f"unknown fault {name!r}; the faults are {', '.join(NAMES)}")
    try:
        return Fault(name, float(number) if number else None)
    except ValueError:
        raise BadFault(f"{number!r} is not a number of seconds") from None


async def fail(fault: Fault, request: web.Request) -> web.Response | None:
    """The failing answer; None when the fault only delays the right one."""
    if fault.name == "slow":
        await asyncio.sleep(fault.seconds or 1.0)
        return None
    if fault.name == "cut":
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if fault.name in BODIES:
        content_type, text = BODIES[fault.name]
        return web.Response(text=text, content_type=content_type)
    return _status(int(fault.name), fault.seconds)


def _status(status: int, retry_after_s: float | None) -> web.Response:
    error = {"error": {"message": f"the demo server was told to answer {status}", "type": "demo", "code": None}}
    headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
    return web.json_response(error, status=status, headers=headers)
