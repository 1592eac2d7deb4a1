"""The ledger: every question has one key, one row and, once it arrived, one answer for ever."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F

from llm.catalog import Model
from llm.client import Response, parse_response, request_body
from runs.models import Call, CallState, storable


@dataclass(frozen=True, slots=True)
class Asked:
    """A question ready to be sent: who is asked, what goes over the wire, and its key."""

    key: str
    role: str
    model: Model
    sample: int
    body: dict[str, Any]


def question(
    role: str,
    model: Model,
    messages: Sequence[Mapping[str, str]],
    *,
    sample: int = 0,
    draw: int = 0,
    schema: Mapping[str, Any] | None = None,
    logprobs: bool = False,
) -> Asked:
    """The question with its key: sha256 over endpoint name, model, messages, sampling, schema and sample.

    The run's draw is added to the sample only where the model is sampled (temperature above 0).
    """
    drawn = sample + (draw if model.temperature > 0 else 0)
    body = request_body(model, messages, schema=schema, logprobs=logprobs)
    identity = {"endpoint": model.endpoint.name, "sample": drawn, "body": body}
    return Asked(key=hashlib.sha256(canonical(identity)).hexdigest(), role=role, model=model, sample=drawn, body=body)


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces, as UTF-8; what no UTF-8 can hold is replaced."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def open_call(asked: Asked, *, run_id: int) -> Call:
    """The call's row: done when an answer is there, otherwise noted as about to leave the house once more."""
    call, made = Call.objects.get_or_create(
        key=asked.key,
        defaults={
            "run_id": run_id,
            "role": asked.role,
            "endpoint": asked.model.endpoint.name,
            "model": asked.model.slug,
            "sample": asked.sample,
            "request": zlib.compress(canonical(asked.body)),
        },
    )
    if not made and call.state != CallState.DONE:
        Call.objects.filter(pk=call.pk).exclude(state=CallState.DONE).update(state=CallState.SENDING)
    return call


def count_attempt(call_id: int) -> None:
    """The question leaves the house."""
    Call.objects.filter(pk=call_id).update(attempts=F("attempts") + 1)


def settle(call_id: int, response: Response, cost: Decimal | None, *, run_id: int) -> Response:
    """Write down an answer and say which one counts: a later answer does not replace the first."""
    written = (
        Call.objects.filter(pk=call_id)
        .exclude(state=CallState.DONE)
        .update(
            state=CallState.DONE,
            run_id=run_id,
            response=zlib.compress(canonical(response.raw)),
            finish_reason=storable(response.finish_reason, 32),
            prompt_tokens=response.prompt_tokens,
            completion_tokens=response.completion_tokens,
            cost=cost,
            latency_s=response.latency_s,
            error_kind="",
            error="",
        )
    )
    return response if written else stored_response(Call.objects.get(pk=call_id))


def note_failure(call_id: int, *, kind: str, error: str) -> None:
    """Write down why no answer came; `unknown` when the request left and nobody knows what became of it."""
    state = CallState.UNKNOWN if kind == "unknown" else CallState.FAILED
    if kind == "not_sent":  # it was counted when it was about to leave, and never left
        Call.objects.filter(pk=call_id, attempts__gt=0).update(attempts=F("attempts") - 1)
    unanswered = Call.objects.filter(pk=call_id).exclude(state=CallState.DONE)
    unanswered.update(state=state, error_kind=kind, error=storable(error, 4000))


def stored_response(call: Call) -> Response:
    """Read a stored answer again, with the parser of today."""
    if call.response is None:
        raise ValueError(f"{call} has no stored answer (state {call.state})")
    return parse_response(json.loads(zlib.decompress(bytes(call.response))), call.latency_s or 0.0)


def answered_keys(keys: Iterable[str]) -> set[str]:
    """Which of these questions the ledger can already answer; asks the database in blocks of 500."""
    wanted = list(keys)
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        block = wanted[start : start + 500]
        found.update(Call.objects.filter(key__in=block, state=CallState.DONE).values_list("key", flat=True))
    return found
