"""Requests and tokens per minute of an endpoint, in buckets that all processes share through the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from llm.catalog import Endpoint
from runs.models import EndpointBucket

# A bucket holds this share of a minute's allowance at most, so that a quiet minute is not followed by a double one.
BURST_SHARE = 1 / 60


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds to wait; when `taken`, for a turn that is then ours, otherwise before asking for one again."""

    taken: bool
    wait_s: float


def take(endpoint: Endpoint, *, tokens: int, at: datetime) -> Turn:
    """Take one request and its tokens out of the buckets; call it inside a transaction.

    What is not there yet is owed: whoever comes later waits behind, so that a large request is not passed by for
    ever by small ones. While the endpoint wishes for a pause nothing is taken.
    """
    if endpoint.requests_per_minute is None and endpoint.tokens_per_minute is None:
        return Turn(True, 0.0)
    bucket = _locked_bucket(endpoint, at)
    if blocked := _left_s(bucket, at):
        return Turn(False, blocked)
    _fill(bucket, endpoint, at)
    wait_s = max(
        _missing_s(1.0 - bucket.requests_left, endpoint.requests_per_minute),
        # A request larger than the whole bucket goes when the bucket is full, and leaves it in debt.
        _missing_s(
            min(float(tokens), _room(endpoint.tokens_per_minute)) - bucket.tokens_left, endpoint.tokens_per_minute
        ),
    )
    bucket.requests_left -= 1 if endpoint.requests_per_minute else 0
    bucket.tokens_left -= tokens if endpoint.tokens_per_minute else 0
    bucket.save(update_fields=["requests_left", "tokens_left", "filled_at"])
    return Turn(True, max(0.0, wait_s))


def put_back(endpoint: Endpoint, *, tokens: int) -> None:
    """A turn that was taken is not used."""
    EndpointBucket.objects.filter(endpoint=endpoint.name).update(
        requests_left=F("requests_left") + (1 if endpoint.requests_per_minute else 0),
        tokens_left=F("tokens_left") + (tokens if endpoint.tokens_per_minute else 0),
    )


def blocked_s(endpoint: Endpoint, *, at: datetime) -> float:
    """Seconds until the endpoint may be asked again, when it wished for a pause."""
    bucket = EndpointBucket.objects.filter(endpoint=endpoint.name).first()
    return _left_s(bucket, at) if bucket is not None else 0.0


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


def _left_s(bucket: EndpointBucket, at: datetime) -> float:
    return max(0.0, (bucket.blocked_until - at).total_seconds()) if bucket.blocked_until else 0.0


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
