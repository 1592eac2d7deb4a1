"""Try a template on one query: the messages for nothing, then one paid call whose answer stands in the ledger."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.actions import record
from accounts.models import User
from curation.models import AnswerOrder, Query, Template
from curation.scores.judges import messages_for
from curation.scores.scoring import ROLE, ScoreOutcome, read_answer
from llm.catalog import Catalog, Model
from llm.replies import BadReply, Order, read_score
from runs import ledger
from runs.controlling import NotNow, resume
from runs.kinds import Answer, Ask, Estimate, Execute, Finished, Kind, PlannedItem, Question
from runs.models import Call, CallState, Run, RunState
from runs.pricing import Quote, quote
from runs.starting import start_run, unfinished


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answered, and how the strict reading took it; `why` says why there is no score."""

    text: str
    outcome: ScoreOutcome
    why: str
    call: Call


@dataclass(frozen=True, slots=True)
class Trial:
    """One template on one query by one model: what would be sent, its price, and the reply once it is there."""

    messages: Sequence[dict[str, str]]
    price: Quote
    reply: Reply | None
    run: Run | None

    @property
    def is_waiting(self) -> bool:
        """A worker is to ask, or is asking."""
        return self.reply is None and self.run is not None and self.run.state in (RunState.QUEUED, RunState.RUNNING)

    @property
    def trouble(self) -> str:
        """Why the last run brought no answer."""
        if self.reply is not None or self.run is None or self.is_waiting:
            return ""
        failed = self.run.items.exclude(error="").first()
        return failed.error if failed else self.run.note


def look_at(template: Template, query: Query, model: Model, catalog: Catalog) -> Trial:
    """The trial as it stands. Nothing is sent."""
    parameters = _parameters(template, query, model)
    messages = messages_for(template, query=query.text, response=query.response)
    asked = ledger.question(ROLE, model, messages, logprobs=True)
    call = Call.objects.filter(key=asked.key, state=CallState.DONE).first()
    imagined = Run(kind=KIND.name, parameters=parameters)
    price = quote(KIND, plan(imagined), catalog.with_overrides({ROLE: model.slug}))
    runs = Run.objects.filter(kind=KIND.name).order_by("-pk")[:50]
    run = next((run for run in runs if run.parameters == parameters), None)
    return Trial(messages, price, None if call is None else _reply(call, template), run)


def ask_once(template: Template, query: Query, model: Model, *, by: User) -> Run:
    """Let a worker put the question to the model, once; one that is under way, or that stopped, goes on."""
    parameters = _parameters(template, query, model)
    run = unfinished(KIND.name, parameters)
    if run is not None:
        return _go_on(run, by)
    title = f"Preview of {template} on query {query.pk} by {model.slug}"
    run = start_run(KIND.name, by=by, title=title, parameters=parameters)
    with transaction.atomic():
        record("start run", [], by=by, note=str(run))
    return run


def _go_on(run: Run, by: User) -> Run:
    if run.state not in (RunState.QUEUED, RunState.RUNNING):
        with suppress(NotNow):  # it moved on meanwhile, which is what was wanted
            resume(run, by=by)
    return run


def _parameters(template: Template, query: Query, model: Model) -> dict[str, Any]:
    return {"template": template.pk, "query": query.pk, "roles": {ROLE: model.slug}, "draw": 0}


def _reply(call: Call, template: Template) -> Reply:
    response = ledger.stored_response(call)
    order: Order = "reason_first" if template.answer_order == AnswerOrder.REASON_FIRST else "score_first"
    refused = response.outcome in ("refused", "filtered")
    answer = Answer(response.text, response.finish_reason, call.pk, refused, response.logprobs)
    outcome = read_answer(answer, order)
    why = "" if outcome.value else _why_not(response.text, order) or response.outcome.replace("_", " ")
    return Reply(response.text, outcome, why, call)


def _why_not(text: str, order: Order) -> str:
    try:
        read_score(text, order)
    except BadReply as reason:
        return str(reason)
    return ""


def plan(run: Run) -> Iterator[PlannedItem]:
    """The one question. Parameters: template, query (ids)."""
    template = Template.objects.get(pk=run.parameters["template"])
    query = Query.objects.get(pk=run.parameters["query"])
    messages = messages_for(template, query=query.text, response=query.response)
    yield PlannedItem(key=f"{query.pk}:{template.pk}", payload={"messages": messages})


async def step(payload: dict[str, Any], ask: Ask, execute: Execute) -> Answer:
    return await ask(ROLE, payload["messages"], logprobs=True)


def save(finished: Sequence[Finished]) -> None:
    """Nothing is stored besides: the answer stands in the ledger, and a score would count for a judge."""


def estimate(payload: dict[str, Any]) -> Estimate:
    return Estimate(questions=[Question(ROLE, payload["messages"], logprobs=True)])


KIND = Kind(name="preview", title="Preview", plan=plan, step=step, save=save, estimate=estimate, roles=(ROLE,))
