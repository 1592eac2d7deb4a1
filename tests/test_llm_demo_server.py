"""Claims about the demo server over HTTP: what it answers, refuses, counts, and how it fails on demand."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest

from llm.demo_completion import MODELS
from llm.demo_server import serving_in_thread
from llm.prices import Price

ROOT = Path(__file__).parent.parent
BODY = {"model": "demo-drafter", "messages": [{"role": "user", "content": "Sort the words."}]}


@pytest.fixture(scope="module")
def address():
    with serving_in_thread(prices={"demo-drafter": Price(Decimal(1), Decimal(2))}) as address:
        yield address


@pytest.fixture(autouse=True)
def _fresh_counts(address):
    post(address, "/stats/reset", {})
    post(address, "/faults", {"fault": None})


def get(address, path):
    with urllib.request.urlopen(address.removesuffix("/v1") + path) as answer:
        return json.load(answer)


def post(address, path, body, **headers):
    """(status, headers, bytes) of an answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address.removesuffix("/v1") + path, data, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def chat(address, body=BODY, **headers):
    return post(address, "/v1/chat/completions", body, **headers)


def test_it_names_itself_and_its_models(address):
    assert get(address, "/health")["name"] == "demo"
    assert tuple(row["id"] for row in get(address, "/v1/models")["data"]) == MODELS
    assert all(name.startswith("demo-") for name in MODELS)


def test_the_same_request_brings_the_same_bytes(address):
    answers = {chat(address)[2] for _ in range(3)}
    assert len(answers) == 1
    assert json.loads(answers.pop())["model"] == "demo-drafter"


@pytest.mark.parametrize("model", MODELS)
def test_every_model_answers(address, model):
    status, _, text = chat(address, BODY | {"model": model})
    assert status == 200
    answer = json.loads(text)
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] > answer["usage"]["completion_tokens"] > 0


def test_an_answer_longer_than_allowed_is_cut_off_and_says_so(address):
    for name in ("max_tokens", "max_completion_tokens"):
        answer = json.loads(chat(address, BODY | {name: 10})[2])
        assert answer["choices"][0]["finish_reason"] == "length"
        assert answer["usage"]["completion_tokens"] <= 10


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "not JSON"),
        (b"[]", 400, "should be a JSON object"),
        (BODY | {"model": "gpt"}, 404, "has no model 'gpt'"),
        (BODY | {"messages": []}, 400, "at least one message"),
        (BODY | {"messages": [{"role": "user"}]}, 400, "a role and a content"),
        (BODY | {"stream": True}, 400, "does not stream"),
        (BODY | {"response_format": {"type": "json_schema"}}, 400, "holds no schema"),
    ],
)
def test_a_request_that_is_none_is_refused_with_a_reason(address, body, status, message):
    got, _, text = chat(address, body)
    assert got == status
    assert message in json.loads(text)["error"]["message"]


def test_counts_tell_repeats_tokens_and_money(address):
    for content in ("Sort.", "Sort.", "Merge."):
        chat(address, BODY | {"messages": [{"role": "user", "content": content}]})
    chat(address, dict(reversed(BODY.items())))
    chat(address, BODY)
    stats = get(address, "/stats")
    assert (stats["requests"], stats["distinct"], stats["repeated"], stats["answered"]) == (5, 3, 2, 5)
    row = stats["models"]["demo-drafter"]
    assert float(row["usd"]) == (row["prompt_tokens"] + 2 * row["completion_tokens"]) / 1_000_000
    assert stats["usd"] == row["usd"]
    assert stats["in_flight_peak"] == 1
    post(address, "/stats/reset", {})
    assert get(address, "/stats")["requests"] == 0


@pytest.mark.parametrize(
    ("fault", "status"),
    [("429", 429), ("500", 500), ("401", 401), ("html", 200), ("error_object", 200), ("broken_json", 200)],
)
def test_a_fault_comes_on_demand_and_costs_nothing(address, fault, status):
    got, headers, _ = chat(address, **{"x-demo-fault": fault})
    assert got == status
    assert headers["Retry-After"] is None
    stats = get(address, "/stats")
    assert (stats["requests"], stats["faults"], stats["answered"]) == (1, 1, 0)
    assert chat(address)[0] == 200


def test_a_wait_can_be_asked_for_and_a_connection_cut(address):
    assert chat(address, **{"x-demo-fault": "429=3"})[1]["Retry-After"] == "3"
    with pytest.raises(OSError, match=r"closed|reset"):
        chat(address, **{"x-demo-fault": "cut"})
    assert chat(address, **{"x-demo-fault": "slow=0.01"})[0] == 200
    assert chat(address, **{"x-demo-fault": "mood"})[0] == 400


def test_faults_can_be_planned_for_the_next_requests(address):
    assert post(address, "/faults", {"fault": "500", "next": 2})[0] == 200
    assert [chat(address)[0] for _ in range(3)] == [500, 500, 200]
    assert post(address, "/faults", {"fault": "mood"})[0] == 400


def test_the_command_serves_until_it_is_told_to_stop():
    command = [sys.executable, "manage.py", "demo_model", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        address = process.stdout.readline().rpartition(" at ")[2].strip()
        assert get(address, "/health")["problems"] > 0
        taken = address.removesuffix("/v1").rpartition(":")[2]
        second = subprocess.run([*command[:-1], taken], cwd=ROOT, capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert f"cannot serve on 127.0.0.1:{taken}" in second.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
