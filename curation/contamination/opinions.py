"""Ask a model of suspects: is the query the benchmark's task in other words? Its answer orders the queue for people."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from curation.models import ContaminationHit, Opinion, Query
from runs.kinds import Ask, Estimate, Execute, Finished, Kind, PlannedItem, Question, StartPage
from runs.models import Run

ROLE = "critic"
BLOCK = 200
# A suspect that a model takes for the task stands before all others.
SAME_FIRST = 1.0
LONGEST_TEXT = 6000  # characters of each text; what a task is stands at the start
PROMPT = """Two programming tasks follow. Are they the same task in other words: would one function, renamed at most,
solve both? Other names, another order of words, another programming language and other examples make no difference.
Another condition, another result or an opposite (largest, smallest) makes another task.

<task_a>
{query}
</task_a>

<task_b>
{task}
</task_b>

Begin with one line that says SAME or OTHER and nothing else. Then say in one sentence why."""
FIRST_LINE = re.compile(r"[\W_]*(same|other)[\W_]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OpinionOutcome:
    """What the model said, and the call that paid for it."""

    opinion: Opinion
    reason: str
    call_id: int


async def step(payload: dict[str, Any], ask: Ask, execute: Execute) -> OpinionOutcome:
    """One question; a reply without a clear first line is an outcome of its own."""
    answer = await ask(ROLE, payload["messages"])
    first, _, rest = answer.text.strip().partition("\n")
    said = FIRST_LINE.fullmatch(first)
    if answer.refused or said is None:
        return OpinionOutcome(Opinion.UNCLEAR, answer.text.strip(), answer.call_id)
    return OpinionOutcome(Opinion(said[1].lower()), rest.strip(), answer.call_id)


def plan(run: Run) -> Iterator[PlannedItem]:
    """One item for each hit of a suspect on which no model has spoken, the likeliest first. Parameter: limit."""
    waiting = ContaminationHit.objects.of_suspects().filter(opinion="")
    keys = list(waiting.order_by("-score", "pk").values_list("pk", flat=True)[: run.parameters.get("limit")])
    for start in range(0, len(keys), BLOCK):
        block = keys[start : start + BLOCK]
        hits = ContaminationHit.objects.filter(pk__in=block).values_list("pk", "query__text", "task__prompt")
        texts = {pk: (query, task) for pk, query, task in hits}
        for pk in block:
            yield PlannedItem(key=str(pk), payload={"hit_id": pk, "messages": _messages(*texts[pk])})


def save(finished: Sequence[Finished]) -> None:
    """Write what was said; a suspect taken for the task moves to the front."""
    for one in finished:
        said: OpinionOutcome = one.outcome
        hits = ContaminationHit.objects.filter(pk=one.item.payload["hit_id"])
        hits.update(opinion=said.opinion, opinion_reason=said.reason, opinion_call=said.call_id)
        if said.opinion == Opinion.SAME:
            behind = Query.objects.filter(contamination_hits__in=hits, suspicion__lte=SAME_FIRST)
            Query.objects.filter(pk__in=behind.values("pk")).update(suspicion=F("suspicion") + SAME_FIRST)


def estimate(payload: dict[str, Any]) -> Estimate:
    return Estimate(questions=[Question(ROLE, payload["messages"])])


def _messages(query: str, task: str) -> list[dict[str, str]]:
    text = PROMPT.format(query=query[:LONGEST_TEXT], task=task[:LONGEST_TEXT])
    return [{"role": "user", "content": text}]


KIND = Kind(
    name="contamination_opinions",
    title="Opinions on suspects",
    plan=plan,
    step=step,
    save=save,
    estimate=estimate,
    roles=(ROLE,),
    start_page=StartPage("curation:judge_suspects", "Judge suspects"),
)
