"""Claims about one call over the wire: against the demo server, and against servers that misbehave."""

import asyncio
import contextlib
import email.utils
import gzip
import json
import time
from dataclasses import replace

import pytest

from llm.catalog import Endpoint, Model
from llm.client import CallFailed, Client, parse_response, request_body
from llm.demo_arrivals import Latency
from llm.demo_server import serving
from llm.failures import retry_after_s

ASKED = [{"role": "user", "content": "1 Very Basic <query>Print the sum of two numbers.</query>"}]


def model_at(address, **options):
    endpoint = Endpoint("house", address, supports_schema=True, supports_logprobs=True, **options)
    return Model("judge", endpoint, "demo-scorer", max_tokens=100, seed=7)


async def answer_of(address, body=None, **options):
    model = model_at(address, **options)
    async with Client(model.endpoint, "secret") as client:
        return await client.send(json.dumps(body or request_body(model, ASKED)).encode())


@contextlib.asynccontextmanager
async def raw_server(answer):
    """A server that reads one request and then does what `answer(writer)` says."""

    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await answer(writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def failure_of(answer, **options):
    """How a call to such a server fails."""

    async def ask():
        async with raw_server(answer) as address:
            await answer_of(address, **options)

    with pytest.raises(CallFailed) as caught:
        asyncio.run(ask())
    return caught.value


def http(status, body=b"{}", headers=()):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]

    async def answer(writer):
        writer.write("\r\n".join(lines).encode() + body)

    return answer


def test_an_answer_brings_text_tokens_and_the_whole_json():
    async def ask():
        async with serving(port=0) as address:
            return await answer_of(address)

    response = asyncio.run(ask())
    assert response.text[0] in "12345"
    assert response.outcome == "answer"
    assert response.raw["model"] == "demo-scorer"
    assert response.prompt_tokens > 0
    assert response.completion_tokens > 0
    assert response.latency_s > 0
    assert parse_response(response.raw, response.latency_s) == response
    assert json.loads(response.body) == response.raw


def test_the_bytes_of_an_answer_are_handed_out_as_they_came():
    body = b'{ "choices": [{"message": {"content": "4 \\u00e4"}, "finish_reason": "stop"}],\n"usage":null }\n'

    async def ask():
        async with raw_server(http(200, body)) as address:
            return await answer_of(address)

    response = asyncio.run(ask())
    assert (response.body, response.text) == (body, "4 ä")
    assert parse_response(json.loads(response.body), response.latency_s) == response


def test_each_question_goes_out_whole_with_the_key_and_tells_nothing_of_this_machine():
    came, bodies = [], [b'{"n": 1}', b'{"n": 22, "text": "\xc3\xa4"}', b'{"n": 333}']

    async def handle(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
            came.append((lines, await reader.readexactly(int(lines["content-length"]))))
            body = b'{"choices": [{"message": {"content": "4"}}]}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def ask():
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server, Client(model_at(address).endpoint, "secret") as client:
            return [await client.send(body) for body in bodies]

    assert [answer.text for answer in asyncio.run(ask())] == ["4", "4", "4"]
    assert [body for _, body in came] == bodies
    for lines, _ in came:
        assert (lines["authorization"], lines["content-type"]) == ("bearer secret", "application/json")
        assert not [name for name in lines if "stainless" in name]


def test_hundreds_of_calls_run_at_once_on_one_client():
    async def ask():
        async with serving(port=0, latency=Latency(0.2, 0.2)) as address:
            model = model_at(address)
            async with Client(model.endpoint, "") as client:
                body = request_body(model, ASKED)
                started = time.monotonic()
                answers = await asyncio.gather(*(client.send(json.dumps(body).encode()) for _ in range(300)))
                return answers, time.monotonic() - started

    answers, passed_s = asyncio.run(ask())
    assert len(answers) == 300
    assert passed_s < 300 * 0.2 / 10, "they waited for one another"


def test_a_body_carries_sampling_schema_and_probabilities_where_the_endpoint_takes_them():
    model = model_at("http://127.0.0.1:1/v1")
    schema = {"type": "object"}
    body = request_body(model, ASKED, schema=schema, logprobs=True)
    assert {key: body[key] for key in ("model", "temperature", "max_tokens", "seed", "logprobs")} == {
        "model": "demo-scorer",
        "temperature": 0.0,
        "max_tokens": 100,
        "seed": 7,
        "logprobs": True,
    }
    assert body["response_format"]["json_schema"]["schema"] == schema
    plain = replace(model, endpoint=replace(model.endpoint, supports_schema=False, supports_logprobs=False))
    assert request_body(plain, ASKED, schema=schema, logprobs=True).keys() == {
        "model",
        "messages",
        "temperature",
        "max_tokens",
        "seed",
    }


def test_a_refused_connection_was_not_sent():
    async def ask():
        async with raw_server(http(200)) as address:
            pass
        await answer_of(address)  # nobody listens there any more

    with pytest.raises(CallFailed, match=r"endpoint house .* cannot be reached") as caught:
        asyncio.run(ask())
    assert (caught.value.kind, caught.value.sent) == ("not_sent", False)


def test_an_unknown_host_was_not_sent():
    with pytest.raises(CallFailed) as caught:
        asyncio.run(answer_of("http://no-such-host.invalid/v1"))
    assert caught.value.kind == "not_sent"


def test_a_connection_cut_before_the_answer_leaves_the_call_unknown():
    async def cut(writer):
        writer.transport.abort()

    failure = failure_of(cut)
    assert (failure.kind, failure.sent) == ("unknown", True)


def test_a_connection_closed_before_the_answer_leaves_the_call_unknown():
    async def close(writer):
        writer.close()

    assert failure_of(close).kind == "unknown"


def test_a_connection_cut_within_the_answer_leaves_the_call_unknown():
    async def half(writer):
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices"')

    assert failure_of(half).kind == "unknown"


def test_a_connection_cut_within_a_chunked_answer_leaves_the_call_unknown():
    async def half(writer):
        writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"choices\r\n')

    assert failure_of(half).kind == "unknown"


def test_a_silent_server_leaves_the_call_unknown():
    async def silent(_writer):
        await asyncio.sleep(60)

    failure = failure_of(silent, timeout_s=0.5)
    assert failure.kind == "unknown"


def test_the_time_limit_counts_the_whole_call_and_not_only_silence():
    async def trickle(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    failure = failure_of(trickle, timeout_s=0.5)
    assert failure.kind == "unknown"
    assert "0.5 s" in str(failure)


def test_what_is_no_http_leaves_the_call_unknown():
    async def noise(writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")

    assert failure_of(noise).kind == "unknown"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b'{"error": {"message": "slow down"}}', "rate_limited"),
        (429, b'{"error": {"message": "no money", "code": "insufficient_quota"}}', "auth"),
        (500, b"oops", "server"),
        (503, b"<html>busy</html>", "server"),
        (408, b"", "server"),
        (401, b'{"error": {"message": "bad key"}}', "auth"),
        (403, b"{}", "auth"),
        (400, b'{"error": {"message": "too long"}}', "bad_request"),
        (404, b"[]", "bad_request"),
        (422, b"{}", "bad_request"),
        (400, b'{"error": {"message": "not this text", "code": "content_filter"}}', "filtered"),
        (307, b"", "bad_request"),
        (200, b'{"choices": [', "broken_reply"),
        (200, b"<html>login</html>", "broken_reply"),
        (200, b"", "broken_reply"),
        (200, b"[]", "broken_reply"),
        (200, b"{}", "broken_reply"),
        (200, b'{"choices": []}', "broken_reply"),
        (200, b'{"choices": [{"message": {"content": 4}}]}', "broken_reply"),
        (200, b'{"error": {"message": "overloaded"}, "choices": []}', "broken_reply"),
        (200, b'{"choices": [{"message": {"content": "4"}, "error": {"code": 502}}]}', "broken_reply"),
        (200, b'{"choices": [{"message": {"content": "4"}, "finish_reason": "error"}]}', "broken_reply"),
        (200, b"\xff\xfe", "broken_reply"),
    ],
)
def test_an_answer_that_is_none_fails_by_its_cause(status, body, kind):
    failure = failure_of(http(status, body, ["Location: /elsewhere"] if status == 307 else ()))
    assert (failure.kind, failure.sent) == (kind, True)
    assert str(failure).startswith("endpoint house (http://127.0.0.1:")
    assert "secret" not in str(failure)


def test_an_answer_that_cannot_be_unpacked_is_broken():
    assert failure_of(http(200, b"not gzip", ["Content-Encoding: gzip"])).kind == "broken_reply"
    assert failure_of(http(200, gzip.compress(b"{"), ["Content-Encoding: gzip"])).kind == "broken_reply"


def test_the_wait_a_server_asks_for_is_passed_on():
    assert failure_of(http(429, headers=["Retry-After: 7"])).retry_after_s == 7
    assert failure_of(http(503, headers=["retry-after-ms: 1500", "Retry-After: 9"])).retry_after_s == 1.5
    assert failure_of(http(429, headers=["Retry-After: 86400"])).retry_after_s == 86_400
    assert failure_of(http(429)).retry_after_s is None


def test_a_wait_until_a_date_is_turned_into_seconds():
    now = 1_800_000_000.0
    assert retry_after_s({"retry-after": email.utils.formatdate(now + 90, usegmt=True)}, now) == 90
    assert retry_after_s({"retry-after": email.utils.formatdate(now - 90, usegmt=True)}, now) == 0
    assert retry_after_s({"retry-after": email.utils.formatdate(now + 90)}, now) == 90  # names no zone
    for nonsense in ("soon", "nan", "-1", "inf", ""):
        assert retry_after_s({"retry-after": nonsense}, now) is None
