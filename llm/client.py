"""One call to a model: the request's body, the way over the wire, and what came back or why nothing did."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from llm.catalog import Endpoint, Model
from llm.failures import CallFailed

if TYPE_CHECKING:
    from llm.transport import Arrived

# How many candidates per token: more than the five levels, because "4" and " 4" are two tokens.
TOP_LOGPROBS = 10
MOST_TOKENS = 2**31 - 1  # what a column holds

__all__ = ["CallFailed", "Client", "Response", "parse_response", "request_body"]


@dataclass(frozen=True)
class Response:
    """An answer that arrived, whole or not."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    raw: dict[str, Any]
    latency_s: float
    logprobs: list[dict[str, Any]] | None = None
    refusal: str | None = None
    # The JSON as it was received, so that whoever keeps it need not write it anew; empty when it was not handed in.
    body: bytes = field(default=b"", repr=False, compare=False)

    @property
    def outcome(self) -> str:
        """answer, refused, filtered, cut_off or empty: only the first is one."""
        if self.refusal:
            return "refused"
        if self.finish_reason == "content_filter":
            return "filtered"
        if self.finish_reason == "length":
            return "cut_off"
        return "answer" if self.text.strip() else "empty"


def request_body(
    model: Model,
    messages: Sequence[Mapping[str, str]],
    *,
    schema: Mapping[str, Any] | None = None,
    logprobs: bool = False,
) -> dict[str, Any]:
    """The JSON of a request; schema and token probabilities only where the endpoint takes them."""
    body: dict[str, Any] = {"model": model.name, "messages": [dict(message) for message in messages]} | model.sampling()
    if schema is not None and model.endpoint.supports_schema:
        shape = {"name": "reply", "strict": True, "schema": dict(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    if logprobs and model.endpoint.supports_logprobs:
        body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    return body


def parse_response(raw: dict[str, Any], latency_s: float, body: bytes = b"") -> Response:
    """Read the JSON of an answer, fresh or stored; ValueError when it is not one."""
    try:
        choice = raw["choices"][0]
        message = choice["message"]
        # Some gateways report a model that broke off within its answer, under status 200.
        if choice.get("error") or choice.get("finish_reason") == "error":
            raise TypeError("the answer broke off with an error")
        return Response(
            text=_text_of(message.get("content")),
            finish_reason=str(choice.get("finish_reason") or ""),
            prompt_tokens=_tokens(raw, "prompt_tokens"),
            completion_tokens=_tokens(raw, "completion_tokens"),
            raw=raw,
            latency_s=latency_s,
            logprobs=_logprobs(choice),
            refusal=str(message["refusal"]) if message.get("refusal") else None,
            body=body,
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"no chat completion: {error!r} in {json.dumps(raw)[:200]}") from None


def _tokens(raw: Mapping[str, Any], name: str) -> int:
    """A count of the usage; an answer is not lost because its count makes no sense."""
    usage = raw.get("usage")
    count = usage.get(name) if isinstance(usage, dict) else None
    return int(count) if isinstance(count, int | float) and 0 <= count <= MOST_TOKENS else 0


def _logprobs(choice: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    given = choice.get("logprobs")
    entries = given.get("content") if isinstance(given, dict) else None
    return entries if isinstance(entries, list) else None


def _text_of(content: object) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        # JSON can spell what no database stores: half a surrogate pair, NUL.
        return content.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(content, list):  # some servers answer in parts
        return _text_of("".join(part["text"] for part in content if part.get("type") == "text"))
    raise TypeError(f"content is {type(content).__name__}")


class Client:
    """A connection to one endpoint; it lives and dies within one event loop."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        self.endpoint = endpoint
        self._key = key

    async def __aenter__(self) -> Self:
        # Imported here: pages read stored answers through this module and never need the openai package.
        from llm.transport import Transport

        self._transport = Transport(self.endpoint, self._key)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    async def send(self, request: bytes) -> Response:
        """Ask once (`request`: the JSON of a request) and wait for the whole answer; CallFailed: why there is none."""
        started = time.monotonic()
        answer = await self._transport.post(request)
        return self._read(answer, time.monotonic() - started)

    def _read(self, answer: "Arrived", latency_s: float) -> Response:
        try:
            raw = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            problem = f"answered {answer.status} with {answer.content_type} that is not JSON: {answer.excerpt(200)!r}"
            raise CallFailed("broken_reply", self.endpoint, problem) from error
        if not isinstance(raw, dict):
            problem = f"answered 200 with a {type(raw).__name__} instead of an object"
            raise CallFailed("broken_reply", self.endpoint, problem)
        if raw.get("error"):
            raise CallFailed("broken_reply", self.endpoint, f"answered 200 with an error: {str(raw['error'])[:300]}")
        try:
            return parse_response(raw, latency_s, answer.body)
        except ValueError as error:
            raise CallFailed("broken_reply", self.endpoint, str(error)) from error
