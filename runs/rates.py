"""Requests and tokens per minute of an endpoint, in buckets that all processes share through the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from llm.catalog import Endpoint
from runs.models import EndpointBucket

# A bucket holds half a second's allowance at most, so that a quiet minute is not followed by a double one, and what
# bunches on its way still arrives as less than a minute's allowance and a burst of one second.
BURST_SHARE = 1 / 120


@dataclass(frozen=True, slots=True)
class Wanted:
    """One question's wish to be sent: where to, and how many tokens it is expected to take."""

    endpoint: Endpoint
    tokens: int


def take(wanted: Sequence[Wanted], *, at: datetime) -> list[float]:
    """Take one request and its tokens out of the buckets for each; the seconds that each has to wait for its turn.

    What is not there yet is owed: whoever comes later waits behind, so that a large request is not passed by for
    ever by small ones. Call it inside a transaction.
    """
    buckets: dict[str, EndpointBucket] = {}
    # In the order of names, so that two workers lock the rows alike.
    for endpoint in sorted({one.endpoint.name: one.endpoint for one in wanted}.values(), key=lambda each: each.name):
        buckets[endpoint.name] = _locked_bucket(endpoint, at)
        _fill(buckets[endpoint.name], endpoint, at)
    waits = [_take(buckets[one.endpoint.name], one) for one in wanted]
    for bucket in buckets.values():
        bucket.save(update_fields=["requests_left", "tokens_left", "filled_at"])
    return waits


def _take(bucket: EndpointBucket, wanted: Wanted) -> float:
    endpoint, tokens = wanted.endpoint, wanted.tokens
    wait_s = max(
        _missing_s(1.0 - bucket.requests_left, endpoint.requests_per_minute),
        # A request larger than the whole bucket goes when the bucket is full, and leaves it in debt.
        _missing_s(
            min(float(tokens), _room(endpoint.tokens_per_minute)) - bucket.tokens_left, endpoint.tokens_per_minute
        ),
    )
    bucket.requests_left -= 1 if endpoint.requests_per_minute else 0
    bucket.tokens_left -= tokens if endpoint.tokens_per_minute else 0
    return max(0.0, wait_s)


def put_back(wanted: Wanted) -> None:
    """A turn that was taken is not used."""
    endpoint = wanted.endpoint
    EndpointBucket.objects.filter(endpoint=endpoint.name).update(
        requests_left=F("requests_left") + (1 if endpoint.requests_per_minute else 0),
        tokens_left=F("tokens_left") + (wanted.tokens if endpoint.tokens_per_minute else 0),
    )


def block(endpoint: Endpoint, *, seconds: float, at: datetime) -> None:
    """The endpoint asked for a pause: every process keeps it, and no shorter wish ends it sooner."""
    _known(endpoint, at)
    until = at + timedelta(seconds=seconds)
    sooner = Q(blocked_until=None) | Q(blocked_until__lt=until)
    EndpointBucket.objects.filter(sooner, endpoint=endpoint.name).update(blocked_until=until)


def correct(taken: Sequence[Wanted]) -> None:
    """Questions took so many tokens more than was expected of them (or fewer, below 0)."""
    for name in sorted({one.endpoint.name for one in taken}):
        more = sum(one.tokens for one in taken if one.endpoint.name == name)
        EndpointBucket.objects.filter(endpoint=name).update(tokens_left=F("tokens_left") - more)


def answered(endpoint_names: Iterable[str], *, at: datetime) -> None:
    """The endpoints gave a sign of life."""
    for name in sorted(endpoint_names):
        made = {"answered_at": at, "requests_left": 1, "tokens_left": 1, "filled_at": at}
        EndpointBucket.objects.update_or_create(endpoint=name, defaults={"answered_at": at}, create_defaults=made)


def _locked_bucket(endpoint: Endpoint, at: datetime) -> EndpointBucket:
    _known(endpoint, at)
    return EndpointBucket.objects.select_for_update().get(endpoint=endpoint.name)


def _known(endpoint: Endpoint, at: datetime) -> None:
    full = {
        "requests_left": _room(endpoint.requests_per_minute),
        "tokens_left": _room(endpoint.tokens_per_minute),
        "filled_at": at,
    }
    EndpointBucket.objects.get_or_create(endpoint=endpoint.name, defaults=full)


def _fill(bucket: EndpointBucket, endpoint: Endpoint, at: datetime) -> None:
    minutes = max(0.0, (at - bucket.filled_at).total_seconds()) / 60
    bucket.requests_left = _filled(bucket.requests_left, endpoint.requests_per_minute, minutes)
    bucket.tokens_left = _filled(bucket.tokens_left, endpoint.tokens_per_minute, minutes)
    # The clocks of two hosts differ: time that was filled in once is not filled in again.
    bucket.filled_at = max(bucket.filled_at, at)


def _filled(left: float, per_minute: int | None, minutes: float) -> float:
    return min(_room(per_minute), left + per_minute * minutes) if per_minute else _room(None)


def _room(per_minute: int | None) -> float:
    return max(1.0, (per_minute or 0) * BURST_SHARE)


def _missing_s(missing: float, per_minute: int | None) -> float:
    return missing * 60 / per_minute if per_minute else 0.0
