"""What the runner answers: JSON objects over HTTP, one for each connection, and the ways to say no."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON object and further headers."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The bytes of the HTTP answer."""
        body = json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in (headers | self.headers).items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Refused(Exception):
    """The request is not carried out; `answer` says why."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"error": message}, headers or {})


def busy(why: str) -> Refused:
    """Nothing is wrong with the request, only with the moment."""
    return Refused(503, f"{why}: come back in a second", {"Retry-After": "1"})
