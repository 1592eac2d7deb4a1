"""The ledger: what makes two questions the same, and that an answer which arrived is never replaced or lost."""

import json
import zlib
from dataclasses import replace
from decimal import Decimal

import pytest

from llm.catalog import Endpoint, Model
from runs import ledger
from runs.models import Call, CallState, Run
from runs.outcomes import Outcome, canonical
from runs.starting import start_run
from tests.toy_kinds import parameters

HOUSE = Endpoint(name="house", base_url="http://127.0.0.1:1/v1", supports_schema=True, supports_logprobs=True)
COLD = Model(slug="cold", endpoint=HOUSE, name="maker/cold")
WARM = replace(COLD, temperature=0.7)
ASKED = [{"role": "user", "content": "Score this: naïve 🙂"}]


def key(model=COLD, messages=ASKED, role="scorer", **more):
    return ledger.question(role, model, messages, **more).key


def reply(text="4", asked=None, run=None, cost=None):
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 10, "completion_tokens": 2}
    response = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
    return Outcome(
        (asked or ledger.question("scorer", COLD, ASKED)).leaving(run.pk),
        response=canonical(response),
        finish_reason="stop",
        prompt_tokens=10,
        completion_tokens=2,
        cost=cost,
        latency_s=0.5,
    )


def failure(kind, run, error="why"):
    return Outcome(ledger.question("scorer", COLD, ASKED).leaving(run.pk), error_kind=kind, error=error)


@pytest.fixture
def run(db, settings):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"
    return start_run("once", by=None, title="toy", parameters=parameters(1))


@pytest.mark.parametrize(
    "other",
    [
        key(messages=[{"role": "user", "content": "Score this: naive 🙂"}]),
        key(messages=[{"role": "system", "content": ASKED[0]["content"]}]),
        key(replace(COLD, name="maker/colder")),
        key(WARM),
        key(replace(COLD, max_tokens=100)),
        key(replace(COLD, top_p=0.9)),
        key(replace(COLD, seed=7)),
        key(replace(COLD, extra_body={"reasoning_effort": "low"})),
        key(replace(COLD, endpoint=replace(HOUSE, name="elsewhere"))),
        key(sample=1),
        key(schema={"type": "object"}),
        key(logprobs=True),
    ],
)
def test_whatever_shapes_an_answer_changes_the_key(other):
    assert other != key()


@pytest.mark.parametrize(
    "other",
    [
        key(messages=[{"content": ASKED[0]["content"], "role": "user"}]),
        key(role="critic"),
        key(replace(COLD, slug="alias")),
        key(replace(COLD, input_usd_per_million=1.0, output_usd_per_million=2.0)),
        key(
            replace(
                COLD,
                endpoint=replace(
                    HOUSE,
                    base_url="http://127.0.0.1:2/v1",
                    key_env="KEY",
                    timeout_s=1,
                    concurrency=1,
                    requests_per_minute=6,
                ),
            )
        ),
        key(draw=3),
    ],
)
def test_what_does_not_shape_an_answer_leaves_the_key_alone(other):
    assert other == key()


def test_another_draw_counts_only_where_the_model_is_sampled():
    assert key(WARM, draw=2) == key(WARM, sample=2) != key(WARM)
    assert ledger.question("scorer", COLD, ASKED, draw=2).sample == 0


def test_a_schema_is_part_of_the_key_only_where_the_endpoint_takes_one():
    plain = replace(COLD, endpoint=replace(HOUSE, supports_schema=False, supports_logprobs=False))
    assert key(plain, schema={"type": "object"}, logprobs=True) == key(plain)


def test_a_stored_answer_is_read_again_word_for_word(run):
    ledger.settle([reply("4\nnaïve 🙂", run=run, cost=Decimal("0.001"))])
    stored = Call.objects.get()
    assert (stored.state, stored.cost, stored.prompt_tokens, stored.run_id, stored.attempts) == (
        CallState.DONE,
        Decimal("0.001"),
        10,
        run.pk,
        1,
    )
    assert ledger.stored_response(stored).text == "4\nnaïve 🙂"
    assert ledger.look([stored.key, "0" * 64])[stored.key].response.text == "4\nnaïve 🙂"
    assert ledger.answered_keys([stored.key, "0" * 64]) == {stored.key}
    assert json.loads(zlib.decompress(stored.request))["messages"] == ASKED


def test_a_later_answer_is_counted_but_does_not_replace_the_first_and_is_not_the_answer(run):
    later = Run.objects.create(kind="once", title="another")
    key = ledger.question("scorer", COLD, ASKED).key
    assert ledger.settle([reply("4", run=run)])[key][1] is True
    assert ledger.settle([reply("2", run=later)])[key][1] is False
    stored = Call.objects.get()
    assert ledger.stored_response(stored).text == "4"
    assert (stored.run_id, stored.attempts, stored.answers, stored.lost) == (run.pk, 2, 2, 0)


def test_attempts_of_one_question_written_together_become_one_row_in_which_the_first_answer_stands(run):
    outcomes = [failure("unknown", run), reply("4", run=run), reply("2", run=run), failure("server", run)]
    ledger.settle(outcomes)
    stored = Call.objects.get()
    assert ledger.stored_response(stored).text == "4"
    assert (stored.state, stored.attempts, stored.answers, stored.lost) == ("done", 4, 2, 1)


def test_a_failure_after_the_answer_does_not_take_it_back(run):
    ledger.settle([reply("4", run=run)])
    ledger.settle([failure("unknown", run, "the connection broke")])
    stored = Call.objects.get()
    assert (stored.state, stored.error, stored.attempts, stored.lost) == ("done", "", 2, 1)


def test_the_run_that_paid_is_the_one_whose_answer_came_first(run):
    payer = Run.objects.create(kind="once", title="another")
    ledger.settle([failure("server", run)])
    ledger.settle([reply(run=payer)])
    assert (Call.objects.get().run_id, Call.objects.get().error) == (payer.pk, "")


def test_only_a_question_that_may_have_arrived_counts_as_an_attempt(run):
    for kind, state, attempts, lost in [
        ("not_sent", "failed", 0, 0),
        ("unknown", "unknown", 1, 1),
        ("server", "failed", 2, 1),
    ]:
        ledger.settle([failure(kind, run)])
        stored = Call.objects.get()
        assert (stored.state, stored.error_kind, stored.attempts, stored.lost) == (state, kind, attempts, lost)


def test_a_failure_whose_text_no_database_holds_is_noted_all_the_same(run):
    ledger.settle([failure("server", run, "answered \x00 \ud800")])
    assert Call.objects.get().error == "answered \ufffd \ufffd"
