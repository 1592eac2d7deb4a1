"""Asking models through the ledger: look first, send once, write down, answer; retries by cause of failure."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone

from llm.catalog import Catalog, Endpoint, Model, api_key
from llm.client import CallFailed, Client, Response
from llm.prompts import estimate_tokens
from runs import ledger, rates
from runs.kinds import Answer, Message
from runs.models import Call, CallState
from runs.writing import Tally, Writer

# How often a question is sent at most, by why it failed; what is not listed is final at once.
TRIES = {"not_sent": 4, "rate_limited": 12, "server": 6, "unknown": 3, "broken_reply": 3}
SMALLEST_COST = Decimal("1e-9")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 30.0
# Failures in a row that no other item would escape: the run stops and says why.
BREAKS_AFTER = {"not_sent": 3, "auth": 3, "bad_request": 10}
# These blame the endpoint and not the item, so the item goes back instead of failing.
BLAMES_ENDPOINT = ("not_sent", "auth")


class Interrupted(Exception):
    """The run is pausing or this worker's time is up: the item goes back, the ledger keeps what it has."""


@dataclass
class Desk:
    """What all items of one worker share: connections, questions in flight, and whether to stop."""

    catalog: Catalog
    writer: Writer
    draw: int = 0
    broken: str = ""
    told_to_end: bool = False
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)
    clients: dict[str, Client] = field(default_factory=dict)
    places: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    in_flight: dict[str, "asyncio.Task[tuple[int, Response]]"] = field(default_factory=dict)
    failures_in_a_row: dict[tuple[str, str], int] = field(default_factory=dict)
    jitter: random.Random = field(default_factory=random.Random)

    @property
    def stopping(self) -> bool:
        return self.stop_asked.is_set()

    def stop(self, broken: str = "") -> None:
        """Nothing further is sent; `broken` says why no item of this run can go on."""
        self.broken = self.broken or broken
        self.stop_asked.set()

    def end(self) -> None:
        """This process is asked to end."""
        self.told_to_end = True
        self.stop()

    async def rest(self, seconds: float) -> None:
        """Wait, but not a moment longer than the run goes on."""
        try:
            await asyncio.wait_for(self.stop_asked.wait(), timeout=seconds)
        except TimeoutError:
            return
        raise Interrupted("the run stops while this question waits")

    async def client(self, endpoint: Endpoint) -> Client:
        """The connection to an endpoint, made when it is first needed."""
        if endpoint.name not in self.clients:
            self.clients[endpoint.name] = await Client(endpoint, api_key(endpoint, os.environ)).__aenter__()
            self.places[endpoint.name] = asyncio.Semaphore(endpoint.concurrency or 32)
        return self.clients[endpoint.name]

    async def close(self) -> None:
        for client in self.clients.values():
            await client.__aexit__(None, None, None)

    async def settled(self) -> None:
        """Wait for the questions that are still in flight though the item that asked them has ended."""
        await asyncio.gather(*self.in_flight.values(), return_exceptions=True)


class LedgerAsk:
    """The Ask that steps receive."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def __call__(
        self,
        role: str,
        messages: Sequence[Message],
        *,
        sample: int = 0,
        schema: Mapping[str, Any] | None = None,
        logprobs: bool = False,
    ) -> Answer:
        desk = self.desk
        model = desk.catalog.model_for(role)
        asked = ledger.question(role, model, messages, sample=sample, draw=desk.draw, schema=schema, logprobs=logprobs)
        # The same question twice at once is one question; the second waits for the first.
        task = desk.in_flight.get(asked.key)
        if task is not None:
            call_id, response = await asyncio.shield(task)
            await desk.writer.do(_count_hit)
        else:
            task = asyncio.create_task(_answer(desk, asked))
            desk.in_flight[asked.key] = task
            task.add_done_callback(lambda _: desk.in_flight.pop(asked.key, None))
            call_id, response = await asyncio.shield(task)
        return Answer(
            text=response.text,
            finish_reason=response.finish_reason,
            call_id=call_id,
            refused=response.outcome in ("refused", "filtered"),
            logprobs=response.logprobs,
        )


async def _answer(desk: Desk, asked: ledger.Asked) -> tuple[int, Response]:
    """The answer and its row, from the ledger or from the endpoint."""
    run_id = desk.writer.run.pk

    def look(tally: Tally) -> Call:
        call = ledger.open_call(asked, run_id=run_id)
        if call.state == CallState.DONE:
            _count_hit(tally)
        return call

    call = await desk.writer.do(look)
    if call.state == CallState.DONE:
        return call.pk, ledger.stored_response(call)
    response = await _send_with_retries(desk, asked, call.pk)
    cost = asked.model.cost_usd(response.prompt_tokens, response.completion_tokens)
    if cost is not None:
        cost = cost.quantize(SMALLEST_COST)  # as the column keeps it, so that a run's sum is the sum of its calls

    def write_down(tally: Tally) -> Response:
        answer = ledger.settle(call.pk, response, cost, run_id=run_id)
        tally.counts.update(calls=1)
        tally.spent += cost or 0
        return answer

    return call.pk, await desk.writer.do(write_down)


def _count_hit(tally: Tally) -> None:
    tally.counts.update(ledger_hits=1)


async def _send_with_retries(desk: Desk, asked: ledger.Asked, call_id: int) -> Response:
    endpoint, failed = asked.model.endpoint, Counter[str]()
    while True:
        try:
            response = await _send(desk, asked, call_id)
        except CallFailed as failure:
            failed[failure.kind] += 1
            await _note(desk, call_id, failure)
            if failed[failure.kind] >= TRIES.get(failure.kind, 1):
                _count_towards_break(desk, endpoint, failure)
                raise
            await desk.rest(await _wait_s(desk, endpoint, failure, failed.total()))
        else:
            desk.failures_in_a_row = {key: n for key, n in desk.failures_in_a_row.items() if key[0] != endpoint.name}
            return response


async def _send(desk: Desk, asked: ledger.Asked, call_id: int) -> Response:
    client = await desk.client(asked.model.endpoint)
    async with desk.places[asked.model.endpoint.name]:
        await _wait_for_turn(desk, asked)
        if desk.stopping:
            raise Interrupted("the run stops before this question is sent")
        await desk.writer.do(lambda tally: ledger.count_attempt(call_id))
        return await client.send(asked.body)


async def _wait_for_turn(desk: Desk, asked: ledger.Asked) -> None:
    """Wait for a turn at the endpoint; one that is not used goes back."""
    endpoint, tokens = asked.model.endpoint, tokens_of(asked.model, asked.body["messages"])
    while True:
        turn = await desk.writer.do(lambda tally: rates.take(endpoint, tokens=tokens, at=timezone.now()))
        if turn.taken and turn.wait_s <= 0:
            return
        try:
            await desk.rest(turn.wait_s)
        except Interrupted:
            if turn.taken:
                await _put_back(desk, endpoint, tokens)
            raise
        if turn.taken:
            # The endpoint may have wished for a pause meanwhile; after it everyone queues up again.
            if not await desk.writer.do(lambda tally: rates.blocked_s(endpoint, at=timezone.now())):
                return
            await _put_back(desk, endpoint, tokens)


async def _put_back(desk: Desk, endpoint: Endpoint, tokens: int) -> None:
    await desk.writer.do(lambda tally: rates.put_back(endpoint, tokens=tokens))


async def _note(desk: Desk, call_id: int, failure: CallFailed) -> None:
    await desk.writer.do(lambda tally: ledger.note_failure(call_id, kind=failure.kind, error=str(failure)))


async def _wait_s(desk: Desk, endpoint: Endpoint, failure: CallFailed, failed: int) -> float:
    """What the endpoint asked for, else exponential with full jitter."""
    if failure.retry_after_s is None:
        return desk.jitter.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**failed))
    seconds = failure.retry_after_s
    await desk.writer.do(lambda tally: rates.block(endpoint, seconds=seconds, at=timezone.now()))
    return seconds


def _count_towards_break(desk: Desk, endpoint: Endpoint, failure: CallFailed) -> None:
    key = (endpoint.name, failure.kind)
    desk.failures_in_a_row[key] = desk.failures_in_a_row.get(key, 0) + 1
    if desk.failures_in_a_row[key] >= BREAKS_AFTER.get(failure.kind, float("inf")):
        desk.stop(str(failure))


def tokens_of(model: Model, messages: Sequence[Message]) -> int:
    """What a question is expected to take: its prompt, and half of the longest answer the model may give."""
    return sum(estimate_tokens(message["content"]) for message in messages) + model.max_tokens // 2
