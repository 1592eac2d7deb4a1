"""Requests and tokens per minute of an endpoint, in buckets that all processes share through the database."""

from datetime import datetime, timedelta

from llm.catalog import Endpoint
from runs.models import EndpointBucket

# A bucket holds this share of a minute's allowance at most, so that a quiet minute is not followed by a double one.
BURST_SHARE = 1 / 60


def take(endpoint: Endpoint, *, tokens: int, at: datetime) -> float:
    """Take one request and its tokens out of the buckets; 0.0 when they held enough, else seconds to wait.

    Call it inside a transaction. An endpoint that names no limit has no bucket.
    """
    if endpoint.requests_per_minute is None and endpoint.tokens_per_minute is None:
        return 0.0
    bucket = _locked_bucket(endpoint, at)
    if bucket.blocked_until is not None and bucket.blocked_until > at:
        return (bucket.blocked_until - at).total_seconds()
    _fill(bucket, endpoint, at)
    wait_s = max(
        _missing_s(1.0 - bucket.requests_left, endpoint.requests_per_minute),
        # A request larger than the whole bucket goes when the bucket is full, and leaves it in debt.
        _missing_s(
            min(float(tokens), _room(endpoint.tokens_per_minute)) - bucket.tokens_left, endpoint.tokens_per_minute
        ),
    )
    if wait_s <= 0:
        bucket.requests_left -= 1
        bucket.tokens_left -= tokens
    bucket.save(update_fields=["requests_left", "tokens_left", "filled_at"])
    return max(0.0, wait_s)


def block(endpoint: Endpoint, *, seconds: float, at: datetime) -> None:
    """The endpoint asked for a pause: every process keeps it."""
    EndpointBucket.objects.filter(endpoint=endpoint.name).update(blocked_until=at + timedelta(seconds=seconds))


def _locked_bucket(endpoint: Endpoint, at: datetime) -> EndpointBucket:
    full = {
        "requests_left": _room(endpoint.requests_per_minute),
        "tokens_left": _room(endpoint.tokens_per_minute),
        "filled_at": at,
    }
    EndpointBucket.objects.get_or_create(endpoint=endpoint.name, defaults=full)
    return EndpointBucket.objects.select_for_update().get(endpoint=endpoint.name)


def _fill(bucket: EndpointBucket, endpoint: Endpoint, at: datetime) -> None:
    minutes = max(0.0, (at - bucket.filled_at).total_seconds()) / 60
    bucket.requests_left = _filled(bucket.requests_left, endpoint.requests_per_minute, minutes)
    bucket.tokens_left = _filled(bucket.tokens_left, endpoint.tokens_per_minute, minutes)
    bucket.filled_at = at


def _filled(left: float, per_minute: int | None, minutes: float) -> float:
    return min(_room(per_minute), left + (per_minute or 0) * minutes)


def _room(per_minute: int | None) -> float:
    return max(1.0, (per_minute or 0) * BURST_SHARE)


def _missing_s(missing: float, per_minute: int | None) -> float:
    return missing * 60 / per_minute if per_minute else 0.0
