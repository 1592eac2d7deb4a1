"""The scripted demo model as a small HTTP server that speaks the chat-completions protocol.

It answers from rules and a bank of solved problems, always the same to the same request, and names itself `demo-…`.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from aiohttp import web

from llm.demo_arrivals import Arrival, ArrivalLog, Latency
from llm.demo_bank import Bank, load_bank
from llm.demo_completion import MODELS, BadRequest, Completion, complete
from llm.demo_faults import BadFault, Fault, fail, send_half, spoilt
from llm.demo_plan import HEADER, FaultPlan, plan_of_wish
from llm.demo_stats import Stats, digest_of
from llm.prices import Price

HOST = "127.0.0.1"
PORT = 8001
LARGEST_REQUEST = 16 * 1024 * 1024  # bytes
BACKLOG = 1024  # connections that may wait to be taken, when hundreds come at once
KEYS_AT_ONCE = 500  # rows of one piece of a long answer
NO_LATENCY = Latency()


class DemoServer:
    """The handlers, and what they share."""

    def __init__(
        self, bank: Bank, prices: Mapping[str, Price], latency: Latency, plan: FaultPlan, log: ArrivalLog | None
    ) -> None:
        self.bank, self.latency, self.plan, self.log = bank, latency, plan, log
        self.stats = Stats(prices)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/health", self.health)
        app.router.add_get("/stats", self.show_stats)
        app.router.add_post("/stats/reset", self.reset_stats)
        app.router.add_post("/faults", self.plan_faults)
        return app

    async def chat(self, request: web.Request) -> web.Response:
        self.stats.entered()
        try:
            return await self._answer(request)
        except BadRequest as error:
            return _error(str(error), error.code, error.status)
        except BadFault as error:
            return _error(str(error), "unknown_fault", 400)
        except ConnectionError:  # the client left before its request was whole: there is nobody to tell
            return web.Response()
        finally:
            self.stats.in_flight -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        body = await _json_object(request)
        arrival = self.stats.arrived(digest_of(body))
        fault = self.plan.take(request.headers.get(HEADER), arrival)
        self._note("arrived", arrival, fault)
        if delay_s := self.latency.of(arrival):
            await asyncio.sleep(delay_s)
        if fault is not None:
            self.stats.faults += 1
            if (failure := await fail(fault, request)) is not None:
                self._note("failed", arrival, fault)
                return failure
        try:
            completion = complete(body, self.bank, arrival.digest)
        except BadRequest:
            self._note("failed", arrival, fault)
            raise
        return await self._deliver(request, arrival, fault, spoilt(fault, completion) if fault else completion)

    async def _deliver(
        self, request: web.Request, arrival: Arrival, fault: Fault | None, completion: Completion
    ) -> web.Response:
        """Count the answer as paid, whoever is still there to take it."""
        self.stats.answered(arrival, completion)
        body = json.dumps(completion.payload).encode()
        if request.transport is None or request.transport.is_closing():
            self.stats.cut_off_by_clients += 1
            self._note("cut off by the client", arrival, fault)
            return web.Response()
        if fault is not None and fault.name == "cut_body":
            self._note("failed", arrival, fault)
            return await send_half(request, body)
        self._note("answered", arrival, fault)
        return web.Response(body=body, content_type="application/json")

    def _note(self, event: str, arrival: Arrival, fault: Fault | None) -> None:
        if self.log is not None:
            self.log.note(event, arrival, self.stats.in_flight, "" if fault is None else fault.name)

    async def models(self, _request: web.Request) -> web.Response:
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "demo"} for name in MODELS]
        return web.json_response({"object": "list", "data": rows})

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "name": "demo", "problems": len(self.bank.problems)})

    async def show_stats(self, request: web.Request) -> web.StreamResponse:
        """The counts; with `?by=key` also a row for every request body, by its digest."""
        by = request.query.get("by")
        if by is None:
            return web.json_response(self.stats.as_json())
        if by != "key":
            return _error(f"stats by {by!r} are not kept; ask for /stats?by=key", "bad_request", 400)
        return await self._send_keys(request)

    async def _send_keys(self, request: web.Request) -> web.StreamResponse:
        # In blocks, so that half a million rows do not hold up who is asking the model meanwhile.
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(json.dumps(self.stats.as_json())[:-1].encode() + b', "keys": {')
        comma = b""
        for block in self.stats.keys.blocks(KEYS_AT_ONCE):
            await response.write(comma + json.dumps(block)[1:-1].encode())
            comma = b", "
        await response.write(b"}}")
        return response

    async def reset_stats(self, _request: web.Request) -> web.Response:
        self.stats.reset()
        return web.json_response(self.stats.as_json())

    async def plan_faults(self, request: web.Request) -> web.Response:
        """See plan_of_wish for what can be wished; the answer says what holds from now on."""
        try:
            self.plan = plan_of_wish(await _json_object(request))
        except (BadRequest, BadFault) as error:
            return _error(str(error), "bad_fault", 400)
        return web.json_response(self.plan.as_json())


@asynccontextmanager
async def serving(
    host: str = HOST,
    port: int = PORT,
    *,
    prices: Mapping[str, Price] | None = None,
    latency: Latency = NO_LATENCY,
    plan: FaultPlan | None = None,
    log: ArrivalLog | None = None,
) -> AsyncIterator[str]:
    """Serve within a running event loop; gives the address for `base_url`. Port 0 takes a free one."""
    server = DemoServer(load_bank(), prices or {}, latency, plan or FaultPlan(), log)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        yield f"http://{host}:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@contextmanager
def serving_in_thread(host: str = HOST, port: int = 0, **options: Any) -> Iterator[str]:
    """The same beside code that is not asynchronous: tests, and commands that need a server for a while."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo-server", daemon=True)
    thread.start()
    entered = AsyncExitStack()
    try:
        server = entered.enter_async_context(serving(host, port, **options))
        yield asyncio.run_coroutine_threadsafe(server, loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(entered.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("the body should be a JSON object")
    return body


def _error(message: str, code: str, status: int) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status)
