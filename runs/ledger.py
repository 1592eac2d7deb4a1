"""The ledger: every question has one key, one row and, once it arrived, one answer for ever."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from llm.catalog import Model
from llm.client import Response, parse_response, request_body
from runs.models import Call, CallState, storable
from runs.outcomes import Outcome, Sent, canonical

BLOCK = 500
# What the first answer brings and no later one changes.
KEPT = (
    *("run_id", "request", "response", "finish_reason", "prompt_tokens", "completion_tokens", "cost", "latency_s"),
    *("error_kind", "error", "state"),
)
COUNTED = ("attempts", "answers", "lost")
FIXED = ("key", "role", "endpoint", "model", "sample", "created_at")
COLUMNS = (*FIXED, *COUNTED, *KEPT)
# Set up for the few kilobytes of a call: zlib's usual tables take five times as long to lay out as those to fill.
WINDOW_BITS, MEMORY_LEVEL = 13, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question ready to be sent: who is asked, what goes over the wire, and its key."""

    key: str
    role: str
    model: Model
    sample: int
    body: dict[str, Any]
    request: bytes

    def leaving(self, run_id: int) -> Sent:
        """The same as the spool and the ledger note it."""
        return Sent(run_id, self.key, self.role, self.model.endpoint.name, self.model.slug, self.sample, self.request)


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer that stands in the ledger."""

    call_id: int
    response: Response


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
    request = canonical(body)
    # The canonical JSON of {"body", "endpoint", "sample"}; the body, by far the longest, is written out once.
    identity = b'{"body":' + request + b',"endpoint":' + canonical(model.endpoint.name) + b',"sample":%d}' % drawn
    return Asked(hashlib.sha256(identity).hexdigest(), role, model, drawn, body, request)


def look(keys: Iterable[str]) -> dict[str, Stored]:
    """The answers that the ledger has for these keys."""
    found: dict[str, Stored] = {}
    for block in _blocks(keys):
        calls = Call.objects.filter(key__in=block, state=CallState.DONE)
        for call in calls.only("key", "state", "response", "latency_s").order_by():
            found[call.key] = Stored(call.pk, stored_response(call))
    return found


def answered_keys(keys: Iterable[str]) -> set[str]:
    """Which of these questions the ledger can already answer."""
    found: set[str] = set()
    for block in _blocks(keys):
        found.update(Call.objects.filter(key__in=block, state=CallState.DONE).values_list("key", flat=True))
    return found


def settle(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, bool]]:
    """Write down what attempts brought; {key: (call id, whether an answer of these is the one that counts)}.

    A later answer is counted and paid, but does not replace the first. One statement for all of them, because this
    is done for every call of every run.
    """
    rows: dict[str, dict[str, Any]] = {}
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    for outcome in outcomes:
        _add(rows, outcome, now)
    if not rows:
        return {}
    places = ", ".join(["(" + ", ".join(["%s"] * len(COLUMNS)) + ")"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO runs_call ({', '.join(COLUMNS)}) VALUES {places} "  # noqa: S608  # names of columns
            f"ON CONFLICT (key) DO UPDATE SET {UPDATES} RETURNING key, id, answers, state",
            [row[name] for row in rows.values() for name in COLUMNS],
        )
        written = cursor.fetchall()
    return {
        key: (pk, state == CallState.DONE and answers == rows[key]["answers"]) for key, pk, answers, state in written
    }


def settled(keys: Iterable[str]) -> dict[str, tuple[int, bool]]:
    """The same for outcomes that stand there already; whose answer it is that counts is then not known."""
    return {call.key: (call.pk, False) for call in Call.objects.filter(key__in=list(keys)).only("key")}


def stored_response(call: Call) -> Response:
    """Read a stored answer again, with the parser of today."""
    if call.response is None:
        raise ValueError(f"{call} has no stored answer (state {call.state})")
    return parse_response(json.loads(zlib.decompress(bytes(call.response))), call.latency_s or 0.0)


def _updates() -> str:
    counted = [f"{name} = runs_call.{name} + excluded.{name}" for name in COUNTED]
    kept = [
        f"{name} = CASE WHEN runs_call.state = 'done' THEN runs_call.{name} ELSE excluded.{name} END" for name in KEPT
    ]
    return ", ".join([*counted, *kept])


UPDATES = _updates()


def _add(rows: dict[str, dict[str, Any]], outcome: Outcome, now: Any) -> None:
    """Add one outcome to the rows; those of one key become one row, in which the first answer stands."""
    row, new = rows.get(outcome.sent.key), _row(outcome, now)
    if row is not None:
        first = row if row["state"] == CallState.DONE else new
        new = first | {name: row[name] + new[name] for name in COUNTED}
    rows[outcome.sent.key] = new


def _row(outcome: Outcome, now: Any) -> dict[str, Any]:
    sent, answered = outcome.sent, outcome.response is not None
    return {
        "key": sent.key,
        "role": sent.role,
        "endpoint": sent.endpoint,
        "model": sent.model,
        "sample": sent.sample,
        "created_at": now,
        "attempts": 0 if outcome.error_kind == "not_sent" else 1,
        "answers": int(answered),
        "lost": int(outcome.error_kind == "unknown"),
        "run_id": sent.run_id,
        "request": compressed(sent.request),
        "response": compressed(outcome.response) if outcome.response is not None else None,
        "finish_reason": storable(outcome.finish_reason, 32),
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "cost": outcome.cost,
        "latency_s": outcome.latency_s,
        "error_kind": outcome.error_kind,
        "error": storable(outcome.error, 4000),
        "state": _state(outcome),
    }


def compressed(text: bytes) -> bytes:
    """As requests and answers are stored; `zlib.decompress` reads it."""
    packer = zlib.compressobj(1, zlib.DEFLATED, WINDOW_BITS, MEMORY_LEVEL)
    return packer.compress(text) + packer.flush()


def _state(outcome: Outcome) -> CallState:
    if outcome.response is not None:
        return CallState.DONE
    return CallState.UNKNOWN if outcome.error_kind == "unknown" else CallState.FAILED


def _blocks(keys: Iterable[str]) -> Iterable[list[str]]:
    wanted = list(keys)
    return (wanted[start : start + BLOCK] for start in range(0, len(wanted), BLOCK))
