"""Claims about the demo server's faults, as the program's own client meets them over HTTP."""

import asyncio
import json

import pytest

from llm.catalog import Endpoint, Model
from llm.client import CallFailed, Client, request_body
from llm.demo_arrivals import Arrival, BadLatency, Latency, parse_latency
from llm.demo_faults import NAMES, BadFault, parse_fault
from llm.demo_plan import FaultPlan, Share, plan_of_options, plan_of_wish
from llm.demo_server import serving
from llm.replies import BadReply, read_json

FAILURES = {
    "429": ("rate_limited", None),
    "429=7": ("rate_limited", 7),
    "429=86400": ("rate_limited", 86_400),
    "429_date=90": ("rate_limited", 90),
    "429_ms=1500": ("rate_limited", 1.5),
    "500": ("server", None),
    "503": ("server", None),
    "503=3": ("server", 3),
    "401": ("auth", None),
    "400": ("bad_request", None),
    "cut": ("unknown", None),
    "cut_body": ("unknown", None),
    "broken_json": ("broken_reply", None),
    "html": ("broken_reply", None),
    "error_object": ("broken_reply", None),
    "not_a_completion": ("broken_reply", None),
}
OUTCOMES = {
    "refusal": "refused",
    "empty": "empty",
    "content_filter": "filtered",
    "length": "cut_off",
    "wrong_schema": "answer",
    "slow=0.01": "answer",
}


def ask(*faults, schema=None, timeout_s=10, count=1, **options):
    """What the client makes of each of some requests: a Response or a CallFailed."""

    async def one(client, body):
        try:
            return await client.send(json.dumps(body).encode())
        except CallFailed as failure:
            return failure

    async def all_of_them():
        plan = plan_of_options(faults, seed=options.pop("seed", 0))
        async with serving(port=0, plan=plan, **options) as address:
            endpoint = Endpoint("house", address, timeout_s=timeout_s, supports_schema=True)
            model = Model("judge", endpoint, "demo-scorer", max_tokens=500)
            asked = [[{"role": "user", "content": f"<query>Sort {n} words.</query>"}] for n in range(count)]
            async with Client(endpoint, "") as client:
                return await asyncio.gather(
                    *(one(client, request_body(model, messages, schema=schema)) for messages in asked)
                )

    return asyncio.run(all_of_them())


def test_every_fault_is_tried_here():
    assert {fault.partition("=")[0] for fault in [*FAILURES, *OUTCOMES]} == set(NAMES)


@pytest.mark.parametrize("fault", FAILURES)
def test_a_failure_has_the_kind_of_its_cause_and_the_wait_it_asks_for(fault):
    kind, wait_s = FAILURES[fault]
    [failure] = ask(fault)
    assert isinstance(failure, CallFailed)
    assert failure.kind == kind
    assert failure.retry_after_s == (pytest.approx(wait_s, abs=10) if "date" in fault else wait_s)


@pytest.mark.parametrize("fault", OUTCOMES)
def test_an_answer_that_says_nothing_is_told_from_one(fault):
    [response] = ask(fault)
    assert response.outcome == OUTCOMES[fault]
    assert response.prompt_tokens > 0
    assert bool(response.completion_tokens) == (fault not in ("empty", "content_filter"))


def test_an_answer_of_the_wrong_schema_is_a_bad_reply_and_a_right_one_is_read():
    schema = {"properties": {"score": {"type": "integer"}, "reason": {"type": "string"}}}
    [right], [wrong] = ask(schema=schema), ask("wrong_schema", schema=schema)
    assert read_json(right.text, {"score": int, "reason": str})["score"] in range(1, 6)
    with pytest.raises(BadReply, match="score should be int"):
        read_json(wrong.text, {"score": int, "reason": str})


def test_an_answer_slower_than_the_time_limit_is_unknown():
    [failure] = ask("slow=5", timeout_s=0.3)
    assert (failure.kind, "0.3 s" in str(failure)) == ("unknown", True)


def failed(results):
    return [n for n, result in enumerate(results) if isinstance(result, CallFailed)]


def test_the_same_requests_fail_with_the_same_seed_in_whatever_order_they_come():
    jumbled = {"latency": Latency(0, 0.02, seed=3)}
    first, again = (failed(ask("500:0.3", seed=7, count=80, **more)) for more in ({}, jumbled))
    assert first == again
    assert 8 < len(first) < 40
    assert failed(ask("500:0.3", seed=8, count=80)) != first


def test_several_faults_come_at_rates_of_their_own():
    plan = plan_of_options(["429=2:0.3", "cut:0.05"], seed=7)
    drawn = [plan.take(None, Arrival(n.to_bytes(32))) for n in range(4000)]
    shares = {str(fault): drawn.count(fault) / len(drawn) for fault in set(drawn)}
    assert shares == {
        "429=2": pytest.approx(0.3, abs=0.05),
        "cut": pytest.approx(0.05, abs=0.02),
        "None": pytest.approx(0.65, abs=0.05),
    }


def test_a_second_try_of_a_request_has_luck_of_its_own():
    plan = FaultPlan([Share(parse_fault("500"), 0.5)], seed=1)
    tries = {plan.take(None, Arrival(bytes(32), number)) is None for number in range(1, 30)}
    assert tries == {True, False}


def test_a_plan_for_the_next_requests_ends():
    plan = plan_of_wish({"fault": "500", "next": 2})
    assert [plan.take(None, Arrival(bytes(32), n)) is None for n in range(3)] == [False, False, True]
    assert plan_of_wish({"fault": None}).take(None, Arrival(bytes(32))) is None


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"fault": "mood"}, "unknown fault 'mood'; the faults are 429"),
        ({"fault": "html=3"}, "html takes no number; those that do are 429"),
        ({"fault": "slow=long"}, "'long' is not a number; write it like slow=2"),
        ({"fault": "slow=-1"}, "-1 is out of range; write a number of at least 0"),
        ({"fault": "500", "rate": 1.5}, "rate 1.5 is out of range; write a share above 0"),
        ({"fault": "500", "rate": "often"}, "rate 'often' is out of range"),
        ({"fault": "500", "next": 0}, "next 0 is out of range; write a whole number of at least 1"),
        ({"fault": "500", "seed": "x"}, "seed 'x' is out of range"),
        ({"fault": "500", "count": 3}, "unknown field count; the fields are fault"),
        ({"next": 3}, "name one fault, or a list of faults"),
        ({"faults": ["429"]}, "a list of objects such as"),
        ({"faults": [{"fault": "429", "rate": 0.6}, {"fault": "cut", "rate": 0.6}]}, "rates add up to 1.2"),
    ],
)
def test_a_wish_that_makes_no_sense_says_what_to_write(wish, message):
    with pytest.raises(BadFault, match=message):
        plan_of_wish(json.loads(json.dumps(wish)))


def test_a_latency_is_one_time_or_drawn_between_two_always_the_same_for_the_same_request():
    fixed, drawn = parse_latency("0.2"), parse_latency("0.2-2", seed=5)
    arrivals = [Arrival(n.to_bytes(32)) for n in range(500)]
    times = [drawn.of(arrival) for arrival in arrivals]
    assert {fixed.of(arrival) for arrival in arrivals} == {0.2}
    assert times == [drawn.of(arrival) for arrival in arrivals]
    assert 0.2 <= min(times) < 0.3 < 1.9 < max(times) < 2
    assert parse_latency("0.2-2", seed=6).of(arrivals[0]) != times[0]
    for nonsense in ("soon", "2-0.2", "-1", "nan", "1-inf", "0.2-"):
        with pytest.raises(BadLatency, match=r"write (it|the shorter)"):
            parse_latency(nonsense)
