"""The way over the wire: the openai client on aiohttp, and why a request brought nothing, told by cause."""

import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx2
from aiohttp.http_exceptions import ContentEncodingError
from openai import APIStatusError, AsyncOpenAI, DefaultAioHttpClient
from openai._models import FinalRequestOptions

from llm.catalog import Endpoint
from llm.failures import CallFailed, retry_after_s
from llm.trust import trusted

CONNECT_TIMEOUT_S = 10.0
# Many servers close an idle connection after 5 s; a request that just then goes out on it would be `unknown`.
IDLE_S = 3.0

NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
# Header lines that belong to one request, that aiohttp writes as it can read, or that tell of this machine.
NOT_OURS = ("content-length", "accept-encoding", "x-stainless-")
# What was true of an answer before it was read.
OF_ENCODED = (b"content-encoding", b"content-length", b"transfer-encoding")


@dataclass(frozen=True, slots=True)
class Arrived:
    """An answer with a status of 2xx, whatever its body is."""

    status: int
    content_type: str
    body: bytes

    def excerpt(self, length: int) -> str:
        return self.body[: 4 * length].decode("utf-8", "replace")[:length]


class Transport:
    """One endpoint's connections; made in the event loop that uses them and closed with it.

    The openai client works out address, headers and key, once: our questions differ in their bodies alone. It also
    finds the way through proxies, holds the connections, and reads what an error of a status says. A question goes out
    on its aiohttp session at once: what stands between, made anew for each, was a third of what a call cost.
    """

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        self.endpoint = endpoint
        short_s = min(CONNECT_TIMEOUT_S, endpoint.timeout_s / 2)
        # The caller counts what is in flight. 0 is aiohttp's "no limit"; without it the connector waits at 100.
        limits = httpx2.Limits(max_connections=0, keepalive_expiry=IDLE_S)
        self._openai = AsyncOpenAI(
            api_key=key or "none",
            base_url=endpoint.base_url,
            max_retries=0,
            http_client=DefaultAioHttpClient(limits=limits, verify=trusted()),
        )
        address = f"{endpoint.base_url.rstrip('/')}/chat/completions"
        self._pattern = self._openai._build_request(
            FinalRequestOptions.construct(method="post", url=address, content=b"")
        )
        way: Any = self._openai._client._transport_for_url(self._pattern.url)
        way.client = self._session = way.get_client()
        lines = self._pattern.headers.multi_items()
        self._always: dict[str, Any] = {
            "headers": [line for line in lines if not line[0].startswith(NOT_OURS)],
            # In all: a server that sends a little now and then would never be silent for long.
            "timeout": aiohttp.ClientTimeout(total=endpoint.timeout_s, sock_connect=short_s, connect=short_s),
            # A redirected POST arrives as a GET, so a redirect is an error of the address.
            "allow_redirects": False,
        }
        if way.proxy is not None:
            self._always |= {"proxy": str(way.proxy.url), "proxy_headers": way.proxy.headers}
            self._always |= {"proxy_auth": aiohttp.BasicAuth(*way.proxy.auth) if way.proxy.auth else None}
        self._address = str(self._pattern.url)

    async def post(self, request: bytes) -> Arrived:
        """Send the JSON of a request once and read the whole answer, or raise CallFailed."""
        try:
            async with self._session.post(self._address, data=request, **self._always) as answer:
                body = await answer.read()
        except aiohttp.ClientError as error:
            raise from_connection(self.endpoint, error) from error
        except TimeoutError as error:
            raise CallFailed("unknown", self.endpoint, f"no answer within {self.endpoint.timeout_s:g} s") from error
        if not 200 <= answer.status < 300:
            raise from_status(self.endpoint, self._error_of(answer, body))
        return Arrived(answer.status, answer.headers.get("content-type", "no content type"), body)

    def _error_of(self, answer: aiohttp.ClientResponse, body: bytes) -> APIStatusError:
        """As the openai client reads it."""
        lines = [(name, value) for name, value in answer.raw_headers if name.lower() not in OF_ENCODED]
        response = httpx2.Response(answer.status, headers=lines, content=body, request=self._pattern)
        return self._openai._make_status_error_from_response(response)

    async def close(self) -> None:
        await self._openai.close()


def from_connection(endpoint: Endpoint, error: aiohttp.ClientError) -> CallFailed:
    """A call that ended without an HTTP status."""
    chain = _causes(error)
    cause = chain[-1]
    problem = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
    if any(isinstance(one, ContentEncodingError) for one in chain):
        return CallFailed("broken_reply", endpoint, f"the answer cannot be decoded, {problem}")
    if isinstance(error, NEVER_CONNECTED):
        return CallFailed("not_sent", endpoint, f"cannot be reached, {problem}")
    return CallFailed("unknown", endpoint, f"the connection broke before the answer, {problem}")


def from_status(endpoint: Endpoint, error: APIStatusError) -> CallFailed:
    """A call answered with a status other than 2xx."""
    problem = f"answered {error.status_code}: {_excerpt(error)}"
    kind = _kind_of_status(error.status_code, error.code)
    return CallFailed(kind, endpoint, problem, retry_after_s(error.response.headers, time.time()))


def _kind_of_status(status: int, code: str | None) -> str:
    # An empty account answers 429 as well, but no waiting helps it.
    if status in (401, 402, 403) or code == "insufficient_quota":
        return "auth"
    if code == "content_filter":  # this one text is refused; another may pass
        return "filtered"
    if status == 429:
        return "rate_limited"
    if status >= 500 or status == 408:
        return "server"
    return "bad_request"


def _excerpt(error: APIStatusError) -> str:
    if isinstance(error.body, dict) and error.body.get("message"):
        return str(error.body["message"])[:300]
    return " ".join(error.response.text.split())[:300] or "no explanation"


def _causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    return chain
