"""The way over the wire: the openai client on aiohttp, and why a request brought nothing, told by cause.

The client's own classes do not say whether a request left: a dropped connection arrives as a time-out of connecting.
"""

import asyncio
import time

import aiohttp
import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, DefaultAioHttpClient
from openai._models import FinalRequestOptions

from llm.catalog import Endpoint
from llm.failures import CallFailed, retry_after_s

CONNECT_TIMEOUT_S = 10.0
# Many servers close an idle connection after 5 s; a request that just then goes out on it would be `unknown`.
IDLE_S = 3.0

# The transport names a dropped connection ConnectTimeout too, though the request had left; only these had not.
NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
# Header lines that belong to one request, or tell what machine the client runs on.
OF_ONE = ("content-length", "x-stainless-")
NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class Patterned(AsyncOpenAI):
    """The client, but that it works out address and headers once: our questions differ in their bodies alone.

    For each question anew, that is half of what the client costs. It also tells the endpoint nothing of the machine.
    """

    _pattern: httpx2.Request | None = None

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        if not isinstance(options.content, bytes):
            return super()._build_request(options, retries_taken=retries_taken)
        if self._pattern is None:
            self._pattern = super()._build_request(options, retries_taken=retries_taken)
            lines = self._pattern.headers.multi_items()
            self._pattern.headers = httpx2.Headers([line for line in lines if not line[0].startswith(OF_ONE)])
        of = self._pattern
        # As a stream it is not looked over for headers again; aiohttp writes the one that tells its length.
        content = httpx2.ByteStream(options.content)
        request = httpx2.Request(options.method, of.url, headers=of.headers, stream=content, extensions=of.extensions)
        request.read()
        return request


class Transport:
    """One endpoint's connections; made in the event loop that uses them and closed with it."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        self.endpoint = endpoint
        address = f"{endpoint.base_url.rstrip('/')}/chat/completions"
        # What `post` of the client would make anew for every call, with a deep copy of each of its defaults.
        self._options = FinalRequestOptions.construct(method="post", url=address)
        short_s = min(CONNECT_TIMEOUT_S, endpoint.timeout_s / 2)
        timeout = httpx2.Timeout(endpoint.timeout_s, connect=short_s, pool=short_s)
        # The caller counts what is in flight. 0 is aiohttp's "no limit"; without it the connector waits at 100.
        limits = httpx2.Limits(max_connections=0, keepalive_expiry=IDLE_S)
        self._openai = Patterned(
            api_key=key or "none",
            base_url=endpoint.base_url,
            timeout=timeout,
            max_retries=0,
            # A redirected POST arrives as a GET, so a redirect is an error of the address.
            http_client=DefaultAioHttpClient(timeout=timeout, limits=limits, follow_redirects=False),
        )

    async def post(self, request: bytes) -> httpx2.Response:
        """Send the JSON of a request once and read the whole answer, or raise CallFailed."""
        try:
            # The client's own limit counts the silence between two chunks; this one counts the whole call.
            async with asyncio.timeout(self.endpoint.timeout_s):
                options = self._options.model_copy(update={"content": request})
                return await self._openai.request(httpx2.Response, options)
        except APIStatusError as error:
            raise from_status(self.endpoint, error) from error
        except (APIConnectionError, aiohttp.ClientError) as error:
            raise from_connection(self.endpoint, error) from error
        except TimeoutError as error:
            raise CallFailed("unknown", self.endpoint, f"no answer within {self.endpoint.timeout_s:g} s") from error

    async def close(self) -> None:
        await self._openai.close()


def from_connection(endpoint: Endpoint, error: Exception) -> CallFailed:
    """A call that ended without an HTTP status."""
    chain = _causes(error)
    cause = chain[-1]
    problem = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
    if any(isinstance(one, httpx2.DecodingError) for one in chain):
        return CallFailed("broken_reply", endpoint, f"the answer cannot be decoded, {problem}")
    if any(isinstance(one, NEVER_CONNECTED) for one in chain):
        return CallFailed("not_sent", endpoint, f"cannot be reached, {problem}")
    from_aiohttp = any(isinstance(one, aiohttp.ClientError) for one in chain)
    if not from_aiohttp and any(isinstance(one, NOT_SENT) for one in chain):
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
