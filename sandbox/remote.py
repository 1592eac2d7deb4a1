"""The backend that asks a runner: another process, most often another machine, that runs programs for this one."""

import http.client
import json
import os
import random
import socket
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .results import RunResult
from .wire import BadAnswer, BadRequest, Request, read_object, read_result, write_request

NAME = "remote"
KEPT_S = 60.0  # how long what a runner says of itself is believed
ABOUT_TIMEOUT_S = 60.0  # a runner that was just started asks all its compilers for their versions
LOOK_TIMEOUT_S = 10.0  # a page waits for it
CONNECT_TIMEOUT_S = 5.0
# On top of what the program may take: the sandbox's start and end, and a place in the runner's queue.
WAITING_S = 120.0
LARGEST_ANSWER = 64 * 1024 * 1024
# A runner that is killed takes connections a moment longer: who asked again at once would lose that try as well.
DYING_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
# A runner whose machine is gone says nothing: idle seconds, seconds between probes, probes.
KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


class RunnerFailed(RuntimeError):
    """The runner did not do what was asked; the text says why and what to do. Never the program's fault."""


class _NotReached(Exception):
    """No connection came about, so nothing was begun."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Where a runner is and how long it is waited for."""

    url: str
    token: str = field(repr=False)
    patience_s: float = 10.0  # for one that takes no connection, as while it is started again
    busy_patience_s: float = 300.0  # for one that has no place free


@dataclass(frozen=True, slots=True)
class About:
    """What a runner says of itself."""

    backend: str | None
    line: str
    languages: dict[str, str]


_abouts: dict[Runner, tuple[float, About]] = {}


def chosen_runner(setting: str | None = None) -> Runner | None:
    """The runner of SANDBOX_URL, when SANDBOX is `remote`, or `auto` and that variable is set."""
    chosen = setting or os.environ.get("SANDBOX") or "auto"
    url = os.environ.get("SANDBOX_URL", "").strip().rstrip("/")
    if chosen != NAME and not (chosen == "auto" and url):
        return None
    address = _address(url)
    token = os.environ.get("SANDBOX_TOKEN", "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise RunnerFailed("SANDBOX_TOKEN is not set to the token of the runner: give both processes the same one")
    return Runner(address.geturl(), token)


def run(runner: Runner, request: Request) -> RunResult:
    """Have the runner run it; raises RunnerFailed when that does not come about."""
    known = about(runner, runner.patience_s).languages
    if request.language not in known:
        raise RunnerFailed(f"no {request.language} here")
    timeout_s = request.limits.wall_s + request.limits.compile_s + WAITING_S
    body = _ask(runner, "POST", "/run", write_request(request), timeout_s=timeout_s, patience_s=runner.patience_s)
    try:
        result = read_result(body)
    except BadAnswer as why:
        raise RunnerFailed(f"the runner at {runner.url} gave no result: {why}") from None
    return replace(result, backend=f"{NAME}:{result.backend}")


def about(runner: Runner, patience_s: float = 0.0) -> About:
    """What the runner says of itself, kept for a minute; when it is away, what it said before."""
    now = time.monotonic()
    since, kept = _abouts.get(runner, (now, None))
    if kept is not None and now < since + KEPT_S:
        return kept
    try:
        fresh = look(runner, ABOUT_TIMEOUT_S, patience_s=patience_s if kept is None else 0.0)
    except RunnerFailed:
        if kept is None:
            raise
        return kept
    if fresh.backend is not None:  # what does not work may work any moment
        _abouts[runner] = (now, fresh)
    return fresh


def look(runner: Runner, timeout_s: float = LOOK_TIMEOUT_S, *, patience_s: float = 0.0) -> About:
    """What the runner says of itself now."""
    body = _ask(runner, "GET", "/languages", timeout_s=timeout_s, patience_s=patience_s)
    try:
        given = read_object(body)
        backend, languages = given["backend"], given["languages"]
        return About(
            backend=None if backend is None else str(backend),
            line=str(given["line"]),
            languages={str(name): str(version) for name, version in languages.items()},
        )
    except (BadRequest, KeyError, AttributeError):
        raise RunnerFailed(f"what answers at {runner.url} is no runner: check SANDBOX_URL") from None


def _ask(runner: Runner, method: str, path: str, body: bytes = b"", *, timeout_s: float, patience_s: float) -> bytes:
    """The body of the answer, after waiting for a runner that is being started or has no place free."""
    begun = time.monotonic()
    pause_s, unreached_since = FIRST_PAUSE_S, begun
    while True:
        try:
            status, headers, answer = _exchange(runner, method, path, body, timeout_s)
        except _NotReached as why:
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            problem = f"the runner at {runner.url} does not answer: {why}; `python -m sandbox serve` starts one"
            until = unreached_since + patience_s
        else:
            if status == http.client.OK:
                return answer
            if status != http.client.SERVICE_UNAVAILABLE:
                raise RunnerFailed(_refusal(runner, status, answer))
            pause_s, unreached_since = _seconds(headers.get("Retry-After", "")), time.monotonic()
            problem = f"the runner at {runner.url} had no place free: more --jobs give it more"
            until = begun + runner.busy_patience_s
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise RunnerFailed(problem)
        # Spread, so that many who were sent away together do not come back together.
        time.sleep(min(left_s, pause_s * random.uniform(0.5, 1.0)))


def _exchange(
    runner: Runner, method: str, path: str, body: bytes, timeout_s: float
) -> tuple[int, "http.client.HTTPMessage", bytes]:
    """One request and its answer on a connection of its own."""
    address = _address(runner.url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=CONNECT_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {runner.token}", "Content-Type": "application/json", "Connection": "close"}
    try:
        _connect(connection, timeout_s)
        try:
            connection.request(method, address.path + path, body=body or None, headers=headers)
        except (BrokenPipeError, ConnectionResetError):
            # A runner that refuses a request answers before it was sent whole; the answer says why.
            connection.sock.shutdown(socket.SHUT_WR)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read(LARGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        time.sleep(DYING_S)
        raise RunnerFailed(
            f"the runner at {runner.url} ended before it answered ({type(error).__name__}: {error})"
        ) from error
    finally:
        connection.close()


def _connect(connection: http.client.HTTPConnection, timeout_s: float) -> None:
    try:
        connection.connect()
    except OSError as error:
        raise _NotReached(error.strerror or str(error)) from error
    connection.sock.settimeout(timeout_s)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        connection.sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _refusal(runner: Runner, status: int, answer: bytes) -> str:
    if status == http.client.UNAUTHORIZED:
        return f"the runner at {runner.url} does not take our token: set SANDBOX_TOKEN to the runner's"
    try:
        said: dict[str, Any] = json.loads(answer)
        return f"the runner at {runner.url} refused the job ({status}): {str(said['error'])[:500]}"
    except (ValueError, KeyError, TypeError):
        return f"what answers at {runner.url} is no runner (status {status}): check SANDBOX_URL"


def _address(url: str) -> SplitResult:
    """The parts of an address that can be asked; a name and password in it would stand in every message."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise RunnerFailed("SANDBOX_URL must be the address of a runner, such as http://127.0.0.1:8200")
    return parts


def _seconds(text: str) -> float:
    return min(float(text), LONGEST_PAUSE_S) if text.isascii() and text.isdigit() else FIRST_PAUSE_S
