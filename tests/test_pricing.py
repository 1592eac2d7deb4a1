"""What a run will cost, told before it starts: items, answers that are there already, tokens, money."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.conf import settings

from llm.catalog import load_catalog
from runs import ledger
from runs.kinds import Estimate, PlannedItem, Question
from runs.models import Call, Run
from runs.outcomes import Outcome
from runs.pricing import cost_of_item, quote, quote_by_sample
from tests.test_ledger import reply
from tests.toy_kinds import KINDS, parameters

pytestmark = pytest.mark.django_db
KIND = KINDS["once"]


@pytest.fixture
def catalog():
    return load_catalog(settings.BASE_DIR / "models.toml")


def planned(count, **more):
    return list(KIND.plan(Run(kind="once", parameters=parameters(count, **more))))


def answer(catalog, item, **more):
    question = KIND.estimate(item.payload).questions[0]
    asked = ledger.question(question.role, catalog.model_for(question.role), question.messages, **more)
    run = Run.objects.create(kind="once", title="earlier")
    ledger.settle([reply(asked=asked, run=run)])


def test_a_quote_counts_the_answers_that_are_there_and_prices_the_rest(catalog):
    items = planned(10)
    for item in items[:4]:
        answer(catalog, item)
    whole, rest = quote(KIND, items, catalog), quote(KIND, items[4:], catalog)
    assert (whole.items, whole.calls, whole.ledger_hits) == (10, 6, 4)
    assert (rest.items, rest.calls, rest.ledger_hits) == (6, 6, 0)
    assert whole.cost == rest.cost > 0
    assert whole.tokens == rest.tokens > 0


def test_a_quote_writes_nothing(catalog):
    quote(KIND, planned(3), catalog)
    assert not Call.objects.exists()


def test_a_question_that_never_was_answered_is_no_hit(catalog):
    item = planned(1)[0]
    question = KIND.estimate(item.payload).questions[0]
    asked = ledger.question(question.role, catalog.model_for(question.role), question.messages)
    run = Run.objects.create(kind="once", title="earlier")
    ledger.settle([Outcome(asked.leaving(run.pk), error_kind="unknown", error="cut")])
    assert quote(KIND, [item], catalog).ledger_hits == 0


def test_another_draw_has_to_be_paid_where_the_model_is_sampled(catalog):
    item = planned(1)[0]
    warm = replace(catalog, roles={**catalog.roles, "scorer": catalog.models["demo-drafter"]})
    for one in (catalog, warm):
        answer(one, item)
    assert quote(KIND, [item], catalog, draw=1).ledger_hits == 1
    assert quote(KIND, [item], warm, draw=0).ledger_hits == 1
    assert quote(KIND, [item], warm, draw=1).ledger_hits == 0


def test_a_model_without_a_price_is_named_and_counted_in_tokens_only(catalog):
    unpriced = replace(
        catalog.models["demo-scorer"], slug="house", input_usd_per_million=None, output_usd_per_million=None
    )
    price = quote(KIND, planned(3), replace(catalog, roles={**catalog.roles, "scorer": unpriced}))
    assert (price.unpriced, price.cost, price.calls) == ({"house"}, Decimal(0), 3)
    assert price.tokens > 0


def test_further_calls_of_a_chain_are_priced_by_role_and_part_calls_count(catalog):
    kind = replace(KIND, estimate=lambda payload: Estimate([], {"refiner": 1.5}))
    price = quote(kind, [PlannedItem(str(n), {}) for n in range(4)], catalog)
    assert price.calls == 6
    assert price.cost == 6 * catalog.model_for("refiner").cost_usd(1200, 500)


def test_a_plan_of_many_blocks_is_priced_whole_and_told_on_the_way(catalog):
    seen = []
    assert quote(KIND, iter(planned(1100)), catalog, progress=seen.append).items == 1100
    assert seen == [500, 1000]


def test_what_a_budget_sets_aside_takes_no_account_of_the_ledger(catalog):
    item = planned(1)[0]
    before = cost_of_item(KIND, item.payload, catalog)
    answer(catalog, item)
    assert cost_of_item(KIND, item.payload, catalog) == before > 0


def test_a_longer_prompt_costs_more(catalog):
    def cost(text):
        asked = Estimate([Question("scorer", [{"role": "user", "content": text}])])
        return cost_of_item(replace(KIND, estimate=lambda payload: asked), {}, catalog)

    assert cost("word " * 1000) > cost("word")


def test_a_quote_by_sample_counts_every_item_and_scales_what_it_priced(catalog):
    seen = []
    items = planned(2600, pad="x" * 8)
    whole = quote(KIND, items, catalog)
    part = quote_by_sample(KIND, iter(items), catalog, one_by_one=100, every=3, progress=seen.append)
    assert (part.items, part.priced_items, part.calls) == (2600, 100 + 500 + 500, 2600)
    assert part.cost == pytest.approx(whole.cost, rel=Decimal("0.01"))
    assert part.tokens == pytest.approx(whole.tokens, rel=0.01)
    assert seen[-1] == 2600
    assert quote_by_sample(KIND, items[:50], catalog, one_by_one=100) == quote(KIND, items[:50], catalog)


def test_in_a_quote_by_sample_the_answers_that_are_there_are_scaled_too(catalog):
    items = planned(1100)
    for item in items[100:120]:
        answer(catalog, item)
    part = quote_by_sample(KIND, iter(items), catalog, one_by_one=100, every=2)
    assert part.ledger_hits == 40
    assert part.calls == 1060
