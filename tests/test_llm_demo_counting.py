"""Claims about what the demo server counts and logs: by key, to the last billionth, also when nobody waits any more."""

import asyncio
import json
import socket
import struct
import time
import urllib.error
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command

from llm.catalog import Endpoint, Model
from llm.client import CallFailed, Client, request_body
from llm.demo_keys import KeyTable
from llm.demo_plan import plan_of_options
from llm.demo_server import serving
from llm.demo_stats import digest_of
from llm.prices import Price
from runs.ledger import canonical
from tests.sites import DemoModel
from tests.test_llm_demo_server import get

# Prices whose products have more digits than a billionth of a dollar.
PRICES = {"demo-drafter": Price(Decimal("0.0137"), Decimal("0.0391"))}


def drafter_at(address):
    endpoint = Endpoint("demo", address, timeout_s=10)
    prices = PRICES["demo-drafter"]
    return Model(
        "drafter",
        endpoint,
        "demo-drafter",
        temperature=0.7,
        input_usd_per_million=float(prices.input_usd_per_million),
        output_usd_per_million=float(prices.output_usd_per_million),
    )


def test_counts_by_key_are_those_of_the_ledger_to_the_last_billionth():
    async def ask(client, body):
        try:
            return await client.send(json.dumps(body).encode())
        except CallFailed:
            return None

    async def ask_all():
        plan = plan_of_options(["500:0.2", "refusal:0.2", "length:0.2", "cut:0.1"], seed=4)
        async with serving(port=0, prices=PRICES, plan=plan) as address:
            model = drafter_at(address)
            bodies = [request_body(model, [{"role": "user", "content": "Größe " * n}]) for n in range(1, 41)] * 2
            async with Client(model.endpoint, "") as client:
                responses = await asyncio.gather(*(ask(client, body) for body in bodies))
            return model, bodies, responses, await asyncio.to_thread(get, address, "/stats?by=key")

    model, bodies, responses, stats = asyncio.run(ask_all())
    paid = {}
    for body, response in zip(bodies, responses, strict=True):
        # The body as the ledger keeps it names the row.
        row = paid.setdefault(digest_of(json.loads(canonical(body))).hex(), [0, 0, 0, 0, Decimal(0)])
        row[0] += 1
        if response is not None:
            cost = model.cost_usd(response.prompt_tokens, response.completion_tokens)
            for n, amount in enumerate((1, response.prompt_tokens, response.completion_tokens, cost), 1):
                row[n] += amount
    fields = ("requests", "answered", "prompt_tokens", "completion_tokens")
    counted = {key: [*(row[name] for name in fields), Decimal(row["usd"])] for key, row in stats["keys"].items()}
    assert counted == paid
    assert Decimal(stats["usd"]) == sum(row[4] for row in paid.values()) > 0
    assert 0 < stats["faults"] < stats["requests"] == 80
    assert 0 < sum(response is None for response in responses) < 80


def test_stats_by_anything_else_are_refused(demo_model):
    with pytest.raises(urllib.error.HTTPError, match="400"):
        get(demo_model.base_url, "/stats?by=model")


def test_rows_can_be_read_in_blocks_while_more_are_counted():
    table = KeyTable()
    for n in range(10):
        table.arrived(bytes([n]))
    blocks = table.blocks(4)
    first = next(blocks)
    assert [table.arrived(b"\0"), table.arrived(b"new")] == [2, 1]
    rest = list(blocks)
    assert [len(first), *map(len, rest)] == [4, 4, 2]
    assert (first["00"]["requests"], first["00"]["answered"], first["00"]["usd"]) == (1, 0, "0.000000000")


def send_and_leave(address, body):
    """Send a whole request and be gone, as a killed process is."""
    data = json.dumps(body).encode()
    with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)) as there:
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: demo\r\nContent-Length: {len(data)}\r\n\r\n"
        there.sendall(head.encode() + data)
        time.sleep(0.1)


@pytest.fixture
def logged_model(tmp_path):
    server = DemoModel("--latency", "0.3", log=tmp_path / "log.jsonl")
    yield server
    server.stop()


def test_whoever_leaves_before_the_answer_has_it_paid_and_logged(logged_model):
    body = {"model": "demo-drafter", "messages": [{"role": "user", "content": "Sort."}]}
    send_and_leave(logged_model.base_url, body)
    deadline = time.monotonic() + 20
    while not logged_model.events("cut off by the client") and time.monotonic() < deadline:
        time.sleep(0.02)
    stats = logged_model.stats(by_key=True)
    assert (stats["requests"], stats["answered"], stats["cut_off_by_clients"], stats["in_flight"]) == (1, 1, 1, 0)
    row = stats["keys"][digest_of(body).hex()]
    assert (row["requests"], row["answered"], row["usd"]) == (1, 1, stats["usd"])
    assert Decimal(row["usd"]) > 0
    assert [event["event"] for event in logged_model.events()] == ["arrived", "cut off by the client"]


def test_the_log_tells_what_came_how_it_ended_and_outlives_the_server(logged_model):
    async def ask(count):
        model = drafter_at(logged_model.base_url)
        body = request_body(model, [{"role": "user", "content": "Sort."}])
        async with Client(model.endpoint, "") as client:
            await asyncio.gather(
                *(client.send(json.dumps(body).encode()) for _ in range(count)), return_exceptions=True
            )
        return digest_of(body).hex()[:16]

    key = asyncio.run(ask(3))
    in_flight = [event["in_flight"] for event in logged_model.events("arrived")]
    assert (len(in_flight), max(in_flight)) == (3, 3)
    assert {event["key"] for event in logged_model.events()} == {key}
    assert "fault" not in logged_model.events("answered")[0]
    logged_model.fail_by_rate({"500": 0.5, "cut_body": 0.5})
    asyncio.run(ask(8))
    failed = logged_model.events("failed")
    assert {event["fault"] for event in failed} == {"500", "cut_body"}
    assert (len(failed), len(logged_model.events("answered"))) == (8, 3)
    assert abs(failed[-1]["at"] - time.time()) < 60
    logged_model.stop()
    logged_model.start()
    asyncio.run(ask(1))
    assert len(logged_model.events("arrived")) == 12


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("fault", ["mood:0.3"], "unknown fault 'mood'; the faults are 429"),
        ("fault", ["429:2"], "rate '2' is out of range; write a share above 0"),
        ("fault", ["429:0.7", "cut:0.7"], "the rates add up to 1.4"),
        ("latency", "2-1", "latency '2-1' is out of range; write the shorter time first"),
        ("log", "/no/such/folder/log.jsonl", "cannot serve on /no/such/folder/log.jsonl: No such file"),
    ],
)
def test_the_command_says_in_one_line_what_it_cannot_do(option, value, message):
    with pytest.raises(CommandError, match=message) as caught:
        call_command("demo_model", port=0, **{option: value})
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)
