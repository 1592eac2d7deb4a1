"""What work will cost before it is done: items, questions already answered, tokens and money."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from llm.catalog import Catalog, Model
from llm.prompts import estimate_tokens
from runs.kinds import Kind, PlannedItem, Question
from runs.ledger import answered_keys, question

# A further call of a chain, whose text is not known yet, is taken to be this long.
TYPICAL_PROMPT_TOKENS, TYPICAL_ANSWER_TOKENS = 1200, 500
BLOCK = 500
# A page prices so many items one by one, and of those beyond every so manieth block.
PRICED_ONE_BY_ONE, EVERY = 20_000, 20


@dataclass
class Quote:
    """The price of a run before it starts; `unpriced` names models without a price in the models file."""

    items: int = 0
    calls: float = 0
    ledger_hits: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: set[str] = field(default_factory=set)
    priced_items: int = 0

    def figures(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "items": self.items,
            "calls": round(self.calls),
            "ledger_hits": self.ledger_hits,
            "tokens": self.tokens,
            "cost": str(self.cost.quantize(Decimal("0.000001"))),
            "unpriced": sorted(self.unpriced),
        }


def quote(
    kind: Kind,
    items: Iterable[PlannedItem],
    catalog: Catalog,
    *,
    draw: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> Quote:
    """Price the items of a plan; questions the ledger can answer cost nothing."""
    total, block = Quote(), list[PlannedItem]()
    for item in items:
        block.append(item)
        if len(block) == BLOCK:
            _add(total, kind, block, catalog, draw)
            progress(total.items)
            block = []
    _add(total, kind, block, catalog, draw)
    return total


def quote_by_sample(
    kind: Kind,
    items: Iterable[PlannedItem],
    catalog: Catalog,
    *,
    draw: int = 0,
    one_by_one: int = PRICED_ONE_BY_ONE,
    every: int = EVERY,
    progress: Callable[[int], None] = lambda done: None,
) -> Quote:
    """Count all items; price the first ones and, of those beyond, every `every`th block, scaled to all of them."""
    planned = iter(items)
    total = quote(kind, islice(planned, one_by_one), catalog, draw=draw, progress=progress)
    sample, beyond, number = Quote(), 0, 0
    while block := list(islice(planned, BLOCK)):
        if number % every == 0:
            _add(sample, kind, block, catalog, draw)
        beyond, number = beyond + len(block), number + 1
        progress(total.items + beyond)
    if beyond:
        _add_scaled(total, sample, beyond)
    return total


def _add_scaled(total: Quote, sample: Quote, items: int) -> None:
    total.calls += sample.calls * items / sample.items
    total.ledger_hits += round(sample.ledger_hits * items / sample.items)
    total.tokens += round(sample.tokens * items / sample.items)
    total.cost += sample.cost * items / sample.items
    total.unpriced |= sample.unpriced
    total.items += items
    total.priced_items += sample.items


def cost_of_item(kind: Kind, payload: dict[str, Any], catalog: Catalog) -> Decimal:
    """The expected cost of one item as if nothing of it were in the ledger; what a budget reserves."""
    total = Quote()
    estimate = kind.estimate(payload)
    for asked in estimate.questions:
        _add_question(total, asked, catalog)
    _add_further(total, estimate.further_calls or {}, catalog)
    return total.cost


def _add(total: Quote, kind: Kind, block: list[PlannedItem], catalog: Catalog, draw: int) -> None:
    estimates = [kind.estimate(item.payload) for item in block]
    questions = [asked for estimate in estimates for asked in estimate.questions]
    keys = [
        question(
            asked.role,
            catalog.model_for(asked.role, asked.model),
            asked.messages,
            sample=asked.sample,
            draw=draw,
            schema=asked.schema,
            logprobs=asked.logprobs,
        ).key
        for asked in questions
    ]
    known = answered_keys(keys)
    total.items += len(block)
    total.priced_items += len(block)
    for asked, key in zip(questions, keys, strict=True):
        if key in known:
            total.ledger_hits += 1
        else:
            _add_question(total, asked, catalog)
    for estimate in estimates:
        _add_further(total, estimate.further_calls or {}, catalog)


def _add_question(total: Quote, asked: Question, catalog: Catalog) -> None:
    prompt_tokens = sum(estimate_tokens(message["content"]) for message in asked.messages)
    _add_call(total, catalog.model_for(asked.role, asked.model), 1, prompt_tokens)


def _add_further(total: Quote, further: Any, catalog: Catalog) -> None:
    for role, count in further.items():
        _add_call(total, catalog.model_for(role), count, TYPICAL_PROMPT_TOKENS)


def _add_call(total: Quote, model: Model, count: float, prompt_tokens: int) -> None:
    answer_tokens = min(TYPICAL_ANSWER_TOKENS, model.max_tokens)
    cost = model.cost_usd(prompt_tokens, answer_tokens)
    total.calls += count
    total.tokens += round(count * (prompt_tokens + answer_tokens))
    if cost is None:
        total.unpriced.add(model.slug)
    else:
        total.cost += cost * Decimal(str(count))
