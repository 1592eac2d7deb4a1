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

from llm.demo_bank import Bank, load_bank
from llm.demo_completion import MODELS, BadRequest, complete
from llm.demo_faults import HEADER, BadFault, FaultPlan, fail, parse_fault
from llm.demo_stats import Price, Stats, digest_of

HOST = "127.0.0.1"
PORT = 8001
LARGEST_REQUEST = 16 * 1024 * 1024  # bytes
BACKLOG = 1024  # connections that may wait to be taken, when hundreds come at once


class DemoServer:
    """The handlers, and what they share."""

    def __init__(self, bank: Bank, prices: Mapping[str, Price], latency_s: float) -> None:
        self.bank = bank
        self.latency_s = latency_s
        self.stats = Stats(prices)
        self.plan = FaultPlan()

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
        self.stats.in_flight += 1
        self.stats.in_flight_peak = max(self.stats.in_flight_peak, self.stats.in_flight)
        try:
            return await self._answer(request)
        except BadRequest as error:
            return _error(str(error), error.code, error.status)
        except BadFault as error:
            return _error(str(error), "unknown_fault", 400)
        finally:
            self.stats.in_flight -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        body = await _json_object(request)
        digest = digest_of(body)
        self.stats.arrived(digest)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if fault := self.plan.take(request.headers.get(HEADER)):
            self.stats.faults += 1
            if (failure := await fail(fault, request)) is not None:
                return failure
        completion = complete(body, self.bank, digest)
        self.stats.answered(completion.model, completion.prompt_tokens, completion.completion_tokens)
        return web.Response(body=json.dumps(completion.payload).encode(), content_type="application/json")

    async def models(self, _request: web.Request) -> web.Response:
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "demo"} for name in MODELS]
        return web.json_response({"object": "list", "data": rows})

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "name": "demo", "problems": len(self.bank.problems)})

    async def show_stats(self, _request: web.Request) -> web.Response:
        return web.json_response(self.stats.as_json())

    async def reset_stats(self, _request: web.Request) -> web.Response:
        self.stats.reset()
        return web.json_response(self.stats.as_json())

    async def plan_faults(self, request: web.Request) -> web.Response:
        """`{"fault": "500", "next": 3}`: the next three requests fail; all of them without `next`; null ends it."""
        try:
            wish = await _json_object(request)
            fault = parse_fault(str(wish["fault"])) if wish.get("fault") else None
        except (BadRequest, BadFault) as error:
            return _error(str(error), "unknown_fault", 400)
        self.plan = FaultPlan(fault, wish.get("next"))
        return web.json_response({"fault": wish.get("fault"), "next": self.plan.left})


@asynccontextmanager
async def serving(
    host: str = HOST,
    port: int = PORT,
    *,
    prices: Mapping[str, Price] | None = None,
    latency_s: float = 0.0,
    bank: Bank | None = None,
) -> AsyncIterator[str]:
    """Serve within a running event loop; gives the address for `base_url`. Port 0 takes a free one."""
    server = DemoServer(load_bank() if bank is None else bank, prices or {}, latency_s)
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
