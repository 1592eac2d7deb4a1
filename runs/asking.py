"""Asking models through the ledger: look first, note that the question leaves, send, write down, answer."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils import timezone

from llm.catalog import Endpoint, Model
from llm.client import CallFailed, Response
from llm.prompts import estimate_tokens
from llm.token_odds import without_idle_odds
from runs import ledger, rates
from runs.desk import Desk, Interrupted, Settling
from runs.kinds import Answer, Message
from runs.ledger import Stored
from runs.models import Call, RunState
from runs.outcomes import Outcome, Sent, canonical
from runs.spool import SpoolFull

# How often a question is sent at most, by why it failed; what is not listed is final at once.
TRIES = {"not_sent": 60, "rate_limited": 60, "server": 6, "unknown": 3, "broken_reply": 3}
# While nobody gets an answer these say nothing about the question; nothing was paid for them either.
FREE_IN_TROUBLE = ("not_sent", "rate_limited", "server")
# These blame the endpoint and not the item, so the item goes back instead of failing.
BLAMES_ENDPOINT = ("not_sent", "auth")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 30.0


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
        model: str | None = None,
    ) -> Answer:
        desk = self.desk
        known = desk.catalog.model_for(role, model)
        asked = ledger.question(role, known, messages, sample=sample, draw=desk.draw, schema=schema, logprobs=logprobs)
        # The same question twice at once is one question; the second waits for the first.
        task = desk.in_flight.get(asked.key)
        if task is not None:
            stored = await asyncio.shield(task)
            await desk.writer.together(desk.look, asked.key)
        else:
            task = asyncio.create_task(_answer(desk, asked))
            desk.in_flight[asked.key] = task
            task.add_done_callback(lambda _: desk.in_flight.pop(asked.key, None))
            stored = await asyncio.shield(task)
        response = stored.response
        return Answer(
            text=response.text,
            finish_reason=response.finish_reason,
            call_id=stored.call_id,
            refused=response.outcome in ("refused", "filtered"),
            logprobs=response.logprobs,
        )


async def _answer(desk: Desk, asked: ledger.Asked) -> Stored:
    """The answer from the ledger or from the endpoint."""
    known: Stored | None = await desk.writer.together(desk.look, asked.key)
    if known is not None:
        return known
    failed: Counter[str] = Counter()
    throttle, endpoint = desk.throttle(asked.model.endpoint), asked.model.endpoint
    while True:
        before = throttle.answers
        try:
            return await _attempt(desk, asked)
        except CallFailed as failure:
            others_answered = throttle.answers > before or not throttle.in_trouble
            failed[failure.kind] += others_answered or failure.kind not in FREE_IN_TROUBLE
            if desk.stopping and failure.kind in FREE_IN_TROUBLE:
                raise Interrupted(desk.broken or "the run stops") from failure
            if failed[failure.kind] >= TRIES.get(failure.kind, 1):
                raise
            wished = failure.retry_after_s
            if wished is not None:
                await _block(desk, endpoint, wished)
            longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(10, failed.total()))
            await desk.rest(desk.jitter.uniform(0, longest) if wished is None else wished)


async def _attempt(desk: Desk, asked: ledger.Asked) -> Stored:
    """Send the question once, in its turn."""
    client = await desk.client(asked.model.endpoint)
    throttle = desk.throttle(asked.model.endpoint)
    async with throttle:
        await _wait_for_turn(desk, asked)
        if desk.stopping or desk.spent_up:
            raise Interrupted("the run stops before this question is sent")
        try:
            number = desk.spool.sent(sent := asked.leaving(desk.writer.run.pk))
        except SpoolFull as full:
            desk.stop(str(full))
            raise Interrupted(str(full)) from full
        sent_at = time.monotonic()
        try:
            response = await client.send(asked.request)
        except CallFailed as failure:
            desk.failed(asked.model, failure, sent_at)
            await _settle(desk, number, Outcome(sent, error_kind=failure.kind, error=str(failure)))
            raise
        except asyncio.CancelledError:
            was_cancelled = desk.writer.run.state in (RunState.CANCELLING, RunState.CANCELLED)
            why = "its run was cancelled" if was_cancelled else "its worker was ended at once"
            dropped = Outcome(sent, error_kind="unknown", error=f"dropped while in flight: {why}")
            _settle(desk, number, dropped)
            raise
        desk.answered(asked.model.endpoint)
        _count_tokens(desk, asked, response)
    call_id, counts = await _settle(desk, number, _answered(sent, asked.model, response))
    if counts:
        return Stored(call_id, response)
    # Another worker's answer came first, and that is the one.
    return await desk.writer.do(lambda tally: Stored(call_id, ledger.stored_response(Call.objects.get(pk=call_id))))


def _settle(desk: Desk, number: int, outcome: Outcome) -> "asyncio.Future[tuple[int, bool]]":
    """Note an outcome in the spool and hand it to the ledger; both at once, so that they keep the same order."""
    try:
        ordinal = desk.spool.got(number, outcome)
    except SpoolFull as full:
        # It stands in the database all the same, unless this process is killed within milliseconds.
        ordinal = desk.spool.outcomes
        desk.stop(str(full))
    cost = outcome.cost or Decimal(0)
    desk.unwritten += cost
    future = desk.writer.together(desk.settle, Settling(ordinal, outcome))
    future.add_done_callback(lambda done: _settled(desk, number, cost, done))
    return future


def _settled(desk: Desk, number: int, cost: Decimal, done: "asyncio.Future[tuple[int, bool]]") -> None:
    desk.unwritten -= cost
    if not done.cancelled() and done.exception() is None:
        desk.spool.settled(number)


def _answered(sent: Sent, model: Model, response: Response) -> Outcome:
    return Outcome(
        sent,
        response=_one_line(response),
        finish_reason=response.finish_reason,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        cost=model.cost_usd(response.prompt_tokens, response.completion_tokens),
        latency_s=response.latency_s,
    )


def _one_line(response: Response) -> bytes:
    """The answer's JSON as it came, on one line; what is not plain UTF-8 is written anew, and of token probabilities
    only those that can be a score's are kept."""
    if response.logprobs is not None:
        return canonical(without_idle_odds(response.raw))
    body = response.body
    try:
        body.decode()
    except UnicodeDecodeError:
        return canonical(response.raw)
    # A line break of JSON stands between its tokens only: within a text it is escaped.
    return body.replace(b"\n", b" ").replace(b"\r", b" ") if body.startswith(b"{") else canonical(response.raw)


async def _wait_for_turn(desk: Desk, asked: ledger.Asked) -> None:
    """Wait until the endpoint wants to be asked and its allowance holds the question; an unused turn goes back."""
    endpoint = asked.model.endpoint
    while pause_s := desk.pause_s(endpoint):
        await desk.rest(pause_s)
    if endpoint.requests_per_minute is None and endpoint.tokens_per_minute is None:
        return
    wanted = rates.Wanted(endpoint, tokens_of(asked.model, asked.body["messages"]))
    while True:
        wait_s = await desk.writer.together(desk.take, wanted)
        try:
            await desk.rest(wait_s)
        except Interrupted:
            await desk.writer.do(lambda tally: rates.put_back(wanted))
            raise
        if not desk.pause_s(endpoint):
            return
        # The endpoint wished for a pause meanwhile; after it everyone queues up again.
        await desk.writer.do(lambda tally: rates.put_back(wanted))
        while pause_s := desk.pause_s(endpoint):
            await desk.rest(pause_s)


def _count_tokens(desk: Desk, asked: ledger.Asked, response: Response) -> None:
    """The endpoint's allowance learns what the question took in place of what was expected of it."""
    took = response.prompt_tokens + response.completion_tokens
    if asked.model.endpoint.tokens_per_minute is not None and took:
        more = took - tokens_of(asked.model, asked.body["messages"])
        desk.writer.together(desk.correct, rates.Wanted(asked.model.endpoint, more))


async def _block(desk: Desk, endpoint: Endpoint, seconds: float) -> None:
    await desk.writer.do(lambda tally: rates.block(endpoint, seconds=seconds, at=timezone.now()))


def tokens_of(model: Model, messages: Sequence[Message]) -> int:
    """What a question is expected to take: its prompt, and half of the longest answer the model may give."""
    return sum(estimate_tokens(message["content"]) for message in messages) + model.max_tokens // 2
