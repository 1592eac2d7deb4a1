"""The runner: a small HTTP server that runs programs for workers elsewhere and holds nothing worth stealing.

`POST /run` and `GET /languages` want the token; `GET /health` says without it how things stand.
"""

import asyncio
import hmac
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from .answers import Answer, Refused, busy
from .heads import LONGEST_HEAD, Head, read_head
from .jobs import BadJob
from .languages import languages
from .probing import Probe, probe
from .results import MEBIBYTE, Limits
from .running import run_here
from .wire import BadRequest, read_request, write_result

logger = logging.getLogger(__name__)

# No program gets more than this, whatever is asked for.
MOST = Limits(
    wall_s=60.0,
    compile_s=120.0,
    cpu_s=60,
    memory_mb=2048,
    tree_memory_factor=1.5,
    processes=256,
    file_mb=64,
    disk_mb=512,
    entries=100_000,
    open_files=1024,
    keep_bytes=MEBIBYTE,
    kill_bytes=64 * MEBIBYTE,
)
ANSWER_S = 10.0  # how long a client may take to read its answer
LINGER_S = 1.0  # how long what a refused client still sends is read away, so that it sees the refusal
LOOK_AGAIN_S = 10.0
MORE_CONNECTIONS = 64  # beyond one for each place: for questions, and for clients to be sent away
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Terms:
    """How a runner is started."""

    token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8200
    jobs: int = 1
    largest_request: int = 8 * MEBIBYTE
    # How long a client may take to send the head and the body, and jobs in hand may take when the runner is to end.
    head_s: float = 3.0
    body_s: float = 10.0
    grace_s: float = 3.0

    @property
    def places(self) -> int:
        """Jobs that are read, wait or run: one waits for each that runs."""
        return 2 * self.jobs


@dataclass(eq=False, slots=True)
class Connection:
    """A client; `abandoned` is the descriptor that ends its program while it has one."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    abandoned: int | None = None


Handler = Callable[[Head, Connection], Awaitable[Answer | None]]


class Runner:
    """What all connections share."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.threads = ThreadPoolExecutor(terms.jobs, thread_name_prefix="job")
        self.connections: dict[Connection, asyncio.Task[None]] = {}
        self.places_taken = 0
        self.ending = self.cut_off = False
        self.probing = asyncio.Lock()
        self.found: Probe | None = None
        self.look_again = 0.0

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        connection = Connection(reader, writer)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self.connections[connection] = task
        task.add_done_callback(lambda task: self.connections.pop(connection))

    @property
    def in_hand(self) -> list[Connection]:
        """Those whose job waits or runs."""
        return [connection for connection in self.connections if connection.abandoned is not None]

    async def end(self) -> None:
        """Let jobs in hand finish for some seconds, then end them; who waits for one is told to come back."""
        self.ending = True
        in_hand = self.in_hand
        for connection, task in self.connections.items():
            if connection not in in_hand:
                task.cancel()
        if in_hand:
            await asyncio.wait([self.connections[connection] for connection in in_hand], timeout=self.terms.grace_s)
        self.cut_off = True
        for connection in self.in_hand:
            _abandon(connection)
        self.threads.shutdown(wait=False, cancel_futures=True)
        if self.connections:
            await asyncio.wait(self.connections.values())

    async def _serve(self, connection: Connection) -> None:
        """One request, one answer, and the connection is over."""
        try:
            answer = await self._answer(connection)
            if answer is not None:
                connection.writer.write(answer.encoded())
                async with asyncio.timeout(ANSWER_S):
                    await connection.writer.drain()
                if answer.status >= HTTPStatus.BAD_REQUEST:
                    await _read_away(connection)
        except (ConnectionError, TimeoutError):
            logger.info("a client went before it had its answer")
        finally:
            connection.writer.close()

    async def _answer(self, connection: Connection) -> Answer | None:
        try:
            if len(self.connections) > self.terms.places + MORE_CONNECTIONS:
                raise busy("too many connections")
            async with asyncio.timeout(self.terms.head_s):
                head = await read_head(connection.reader)
            return None if head is None else await self._handler(head)(head, connection)
        except TimeoutError:
            return Answer(HTTPStatus.REQUEST_TIMEOUT, {"error": "the request did not arrive in time"})
        except Refused as refused:
            logger.info("refused with %s: %s", refused.answer.status, refused)
            return refused.answer
        except (ConnectionError, asyncio.IncompleteReadError):
            return None
        except Exception:
            # One request's trouble must not end the runner, nor show its inside.
            logger.exception("a request failed")
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "the runner failed; its log says why"})

    def _handler(self, head: Head) -> Handler:
        """What answers this request; raises Refused where nothing does, and for who has no token."""
        if (head.method, head.path) == ("GET", "/health"):
            return self._health
        if not hmac.compare_digest(head.token.encode(), self.terms.token.encode()):
            headers = {"WWW-Authenticate": "Bearer"}
            raise Refused(401, "the bearer token is missing or wrong: set SANDBOX_TOKEN to the runner's", headers)
        handlers: dict[str, tuple[str, Handler]] = {"/run": ("POST", self._run), "/languages": ("GET", self._languages)}
        if head.path not in handlers:
            raise Refused(404, f"there is no {head.path[:80]!r} here; there are POST /run, GET /languages, GET /health")
        method, handler = handlers[head.path]
        if head.method != method:
            raise Refused(405, f"{head.path} takes {method}, not {head.method[:20]!r}", {"Allow": method})
        return handler

    async def _health(self, head: Head, connection: Connection) -> Answer:
        backend = (await self.probe()).backend
        in_hand = len(self.in_hand)
        running = min(in_hand, self.terms.jobs)
        said = {"backend": backend, "jobs": self.terms.jobs, "running": running, "waiting": in_hand - running}
        healthy = backend is not None and not self.ending
        return Answer(HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE, said)

    async def _languages(self, head: Head, connection: Connection) -> Answer:
        found = await self.probe()
        here = await asyncio.to_thread(languages)
        return Answer(HTTPStatus.OK, {"backend": found.backend, "line": found.line, "languages": here})

    async def probe(self) -> Probe:
        """What works here; kept once something does, otherwise looked at again now and then."""
        async with self.probing:
            if self.found is None or (self.found.backend is None and time.monotonic() > self.look_again):
                self.found = await asyncio.to_thread(probe)
                self.look_again = time.monotonic() + LOOK_AGAIN_S
            return self.found

    async def _run(self, head: Head, connection: Connection) -> Answer | None:
        length = head.body_bytes(self.terms.largest_request)
        if self.ending or self.places_taken >= self.terms.places:
            raise busy("no place is free")
        self.places_taken += 1
        try:
            async with asyncio.timeout(self.terms.body_s):
                body = await connection.reader.readexactly(length)
            return await self._job(body, connection)
        finally:
            self.places_taken -= 1

    async def _job(self, body: bytes, connection: Connection) -> Answer | None:
        """Run it in a thread, with an eye on the client: when it goes, its program is ended."""
        connection.abandoned = abandoned = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        job = self.threads.submit(_carry_out, body, abandoned)
        waiting = asyncio.wrap_future(job)
        gone = asyncio.create_task(_until_gone(connection.reader))
        try:
            first: list[asyncio.Future[Any]] = [waiting, gone]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done() and not job.cancel():
                _abandon(connection)
                await asyncio.wait([waiting])
            if self.cut_off:
                raise busy("the runner ends")
            if gone.done():
                logger.info("a client went before its program was over")
                return None
            return waiting.result()
        finally:
            gone.cancel()
            await asyncio.wait([gone])
            connection.abandoned = None
            os.close(abandoned)


async def serve(terms: Terms, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` gets one line when connections are taken."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = Runner(terms)
    found = await runner.probe()
    server = await asyncio.start_server(runner.meet, terms.host, terms.port, limit=LONGEST_HEAD)
    host, port = server.sockets[0].getsockname()[:2]
    announce(f"runner at http://{host}:{port}, {terms.jobs} jobs at once. {found.line}")
    await stop.wait()
    server.close()
    await runner.end()


def _carry_out(body: bytes, abandoned: int) -> Answer:
    """In a thread of its own: read the job, run it, give the answer."""
    try:
        request = read_request(body, MOST)
        result = run_here(request, abandoned)
    except BadRequest as error:
        return Answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
    except BadJob as error:
        return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": f"files: {error}"})
    logger.info("%s: %s after %.2f s", request.language, result.status, result.wall_s)
    return Answer(HTTPStatus.OK, write_result(result))


def _abandon(connection: Connection) -> None:
    if connection.abandoned is not None:
        os.eventfd_write(connection.abandoned, 1)


async def _until_gone(reader: asyncio.StreamReader) -> None:
    """A client that waits for its answer says nothing more, so whatever can be read is its end."""
    with suppress(ConnectionError):
        await reader.read(1)


async def _read_away(connection: Connection) -> None:
    """Closing on unread bytes would reset the connection before the client has read why it was refused."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while not connection.reader.at_eof():
                await connection.reader.read(READ_BYTES)
