"""Whether a server of ours answers yet."""

import http.client
import time
import urllib.error
import urllib.request

POLL_S = 0.1


class NoAnswer(RuntimeError):
    """A server that was started does not answer."""


def answers(base_url: str) -> bool:
    """Whether a model server lists its models there."""
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=2):  # noqa: S310  # an http address of models.toml
            return True
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError):
        return False


def wait_until_it_answers(base_url: str, *, seconds: float = 30.0) -> None:
    """Wait for a server that was just started."""
    deadline = time.monotonic() + seconds
    while not answers(base_url):
        if time.monotonic() > deadline:
            raise NoAnswer(f"{base_url} does not answer within {seconds:g} s; is the port taken by something else?")
        time.sleep(POLL_S)
