"""Why a call brought no answer, in words the engine acts on."""

import email.utils
from collections.abc import Mapping
from datetime import UTC

from llm.catalog import Endpoint

KINDS = ("not_sent", "rate_limited", "server", "auth", "bad_request", "filtered", "unknown", "broken_reply")


class CallFailed(Exception):
    """A call without an answer. `kind` is one of KINDS; the message names the endpoint and the cause."""

    def __init__(self, kind: str, endpoint: Endpoint, problem: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"endpoint {endpoint.name} ({endpoint.base_url}): {problem}")
        self.kind = kind
        self.retry_after_s = retry_after_s

    @property
    def sent(self) -> bool:
        """Whether the request may have reached the server, and so may have been paid for."""
        return self.kind != "not_sent"


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `retry-after-ms` or from `Retry-After` as seconds or as a date; as they stand, though a
    day."""
    milliseconds = _positive(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    wished = headers.get("retry-after")
    seconds = _positive(wished)
    if seconds is not None or wished is None:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(wished)
        # HTTP knows no other zone; a date that names none would be read as local time.
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _positive(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
