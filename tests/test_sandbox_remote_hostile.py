"""Whatever is sent to the runner, it says what is wrong with it, shows nothing of its inside, and goes on."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import asyncio
import json
import random
import socket
import time

import pytest

from sandbox.heads import LONGEST_HEAD
from sandbox.serving import Runner, Terms
from tests.runners import ask, health, run_there, runner, until  # noqa: F401
from tests.sizes import sized

pytestmark = pytest.mark.needs("bubblewrap")
TOKEN = "a token of some length"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic {token}", "Bearer {token}x", "ä"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/run"), ("GET", "/languages"), ("GET", "/elsewhere")])
def test_without_the_token_nothing_else_is_told(runner, method, path, authorization):
    head = f"{method} {path} HTTP/1.1\r\nContent-Length: 0\r\n"
    if authorization is not None:
        head += f"Authorization: {authorization.format(token=runner.token)}\r\n"
    status, said = raw(runner, head.encode("latin-1") + b"\r\n")
    assert status == 401 and "SANDBOX_TOKEN" in said["error"] and runner.token not in str(said)


BAD_JOBS = [
    (b"", "JSON"),
    (b"not JSON", "JSON"),
    (b"\xff\xfe{}", "UTF-8"),
    (b"[1]", "object"),
    (b"null", "object"),
    (b"[" * 100_000, "JSON"),
    (b'{"code": ' + b"9" * 10_000 + b"}", "JSON"),
    (b'{"code": NaN}', "NaN"),
    (b'{"code": "1", "limits": {"wall_s": Infinity}}', "Infinity"),
    (b'{"code": "1", "limits": {"wall_s": 1e999}}', "limits.wall_s"),
    ({}, "code is missing"),
    ({"code": None}, "code must be text, not null"),
    ({"code": 5}, "code must be text, not a number"),
    ({"code": "1", "colour": "red"}, "no field 'colour'"),
    ({"code": "1", "language": "cobol-85"}, "language 'cobol-85' is not known; known: python"),
    ({"code": "1", "language": ["python"]}, "language must be text"),
    ({"code": "1", "stdin": "%%%"}, "stdin is not base64"),
    ({"code": "1", "stdin": "ä"}, "stdin is not base64"),
    ({"code": "1", "stdin": 5}, "stdin must be base64"),
    ({"code": "1", "limits": [1]}, "limits must be an object"),
    ({"code": "1", "limits": {"wall_s": "5"}}, "limits.wall_s must be a number above 0, not text"),
    ({"code": "1", "limits": {"wall_s": True}}, "limits.wall_s"),
    ({"code": "1", "limits": {"wall_s": 0}}, "limits.wall_s must be a number above 0, not 0"),
    ({"code": "1", "limits": {"memory_mb": -1}}, "limits.memory_mb"),
    ({"code": "1", "limits": {"memory_mb": 1.5}}, "limits.memory_mb must be a whole number"),
    ({"code": "1", "limits": {"walls": 5}}, "no field 'walls'; known: wall_s"),
    ({"code": "1", "files": {"a": ""}}, "files must be a list"),
    ({"code": "1", "files": [["a", ""]]}, "files[0] must be an object"),
    ({"code": "1", "files": [{"name": "a", "content": "%"}]}, "files[0].content is not base64"),
    ({"code": "1", "files": [{"name": "a", "mode": 7}]}, "files[0] has no field 'mode'"),
    *(
        ({"code": "1", "files": [{"name": name}]}, "file name")
        for name in ("", ".", "..", "../a", "/etc/passwd", "a/../b", "a//b", "./a", "a/", "a\0b", "a\nb", "\ud800")
    ),
    ({"code": "1", "files": [{"name": "a" * 5000}]}, "longer than 200 bytes"),
    ({"code": "1", "files": [{"name": "main.py"}]}, "taken by another file"),
    ({"code": "1", "files": [{"name": "main.py/a"}]}, "taken by another file"),
    ({"code": "1", "files": [{"name": "a/b"}, {"name": "a"}]}, "taken by another file"),
    ({"code": "1", "files": [{"name": str(number)} for number in range(201)]}, "201 files are too many"),
]


@pytest.mark.parametrize(("body", "words"), BAD_JOBS, ids=lambda value: str(value)[:40])
def test_a_bad_job_is_refused_with_the_field_and_the_remedy(runner, body, words):
    status, said, _ = ask(runner, "POST", "/run", body if isinstance(body, bytes) else json.dumps(body))
    assert status in (400, 422), said
    assert words in said["error"] and "Traceback" not in said["error"] and len(said["error"]) < 600


REQUESTS = [
    (b"GARBAGE\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\n" + b"A: " + b"b" * 20_000 + b"\r\n\r\n", 431),
    (b"GET /health HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % number for number in range(100)) + b"\r\n", 431),
    (b"GET /elsewhere HTTP/1.1\r\nAUTH\r\n\r\n", 404),
    (b"GET /../../etc/passwd HTTP/1.1\r\nAUTH\r\n\r\n", 404),
    (b"GET /run HTTP/1.1\r\nAUTH\r\n\r\n", 405),
    (b"POST /languages HTTP/1.1\r\nAUTH\r\nContent-Length: 0\r\n\r\n", 405),
    (b"POST /run HTTP/1.1\r\nAUTH\r\n\r\n", 411),
    (b"POST /run HTTP/1.1\r\nAUTH\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 501),
    (b"POST /run HTTP/1.1\r\nAUTH\r\nContent-Length: -5\r\n\r\n", 400),
    (b"POST /run HTTP/1.1\r\nAUTH\r\nContent-Length: 0x10\r\n\r\n", 400),
    (b"POST /run HTTP/1.1\r\nAUTH\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", 400),
    (b"POST /run HTTP/1.1\r\nAUTH\r\nAUTH\r\nContent-Length: 2\r\n\r\n", 400),
    (b"POST /run HTTP/1.1\r\nAUTH\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
]


@pytest.mark.parametrize(("request_bytes", "status"), REQUESTS, ids=lambda value: str(value)[:50])
def test_an_odd_request_is_refused_and_the_runner_goes_on(runner, request_bytes, status):
    authorization = b"Authorization: Bearer " + runner.token.encode()
    assert raw(runner, request_bytes.replace(b"AUTH", authorization))[0] == status
    assert health(runner)[0] == 200


def test_noise_does_not_end_it(runner):
    noise = random.Random(7)
    for _ in range(sized(2000)):
        with socket.create_connection(("127.0.0.1", runner.port)) as client:
            client.sendall(noise.randbytes(noise.randrange(400)) + noise.choice([b"", b"\r\n\r\n"]))
    until(lambda: health(runner)[0] == 200)
    assert run_there(runner, code="print(1)")[1]["stdout"] == "1\n"
    assert not any("Traceback" in line for line in runner.log)


@pytest.mark.parametrize("sent", [b"POST /run HT", b"POST /run HTTP/1.1\r\nContent-Length: 9\r\nAUTH\r\n\r\n{"])
def test_a_client_that_dawdles_is_sent_away(sent):
    async def dawdle(host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(sent.replace(b"AUTH", f"Authorization: Bearer {TOKEN}".encode()))
        answer = asyncio.create_task(reader.readuntil(b"in time"))
        while not answer.done():
            writer.write(b" ")  # never silent, and never done
            await asyncio.sleep(0.05)
        return await answer

    async def talk():
        runner = Runner(Terms(TOKEN, head_s=0.3, body_s=0.3))
        server = await asyncio.start_server(runner.meet, "127.0.0.1", 0, limit=LONGEST_HEAD)
        async with server:
            begun = time.monotonic()
            said = await asyncio.wait_for(dawdle(*server.sockets[0].getsockname()), timeout=10)
            assert b" 408 " in said
            assert time.monotonic() - begun < 3
        await runner.end()

    asyncio.run(talk())


def raw(runner, sent):
    """Send these bytes; (status, JSON object) of the answer."""
    with socket.create_connection(("127.0.0.1", runner.port), timeout=10) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        said = b""
        while chunk := client.recv(65536):
            said += chunk
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)
