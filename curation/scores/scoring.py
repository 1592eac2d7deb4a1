"""Ask judges for scores: one item per query and judge, one reminder, and an unreadable reply stays unreadable."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Door, User
from curation.inserting import as_stored
from curation.models import AnswerOrder, Judge, Query, Score, ScoreState, Verdict
from curation.models.queries import QueryQuerySet
from curation.readings import BLOCK, key_blocks, store_facts
from curation.scores.judges import counting_judges, let_count, messages_for
from llm.catalog import Model
from llm.replies import BadReply, Order, read_score
from llm.token_odds import expected_level
from runs.kinds import Answer, Ask, Estimate, Execute, Finished, Kind, PlannedItem, Question, StartPage
from runs.models import Run

ROLE = "scorer"
# What a score holds of an outcome.
SAID = ("value", "expected", "explanation", "state", "call_id")
REMINDER = (
    "Your reply does not hold exactly one score where it was asked for. "
    "Reply again with just the digit of your score, 1 to 5, and nothing else."
)


@dataclass(frozen=True, slots=True)
class ScorePayload:
    """All the step needs: whose score of which query, the prompt, and where the score stands in the reply."""

    query_id: int
    judge_id: int
    messages: Sequence[dict[str, str]]
    order: Order


@dataclass(frozen=True, slots=True)
class ScoreOutcome:
    """A score, or why there is none. `call_id`: the reply it was read from; of unreadable replies the first.

    `expected`: the mean of the levels by the model's own probabilities, where its endpoint gives them.
    """

    state: ScoreState
    call_id: int
    value: int | None = None
    explanation: str = ""
    expected: float | None = None


async def score_query(payload: ScorePayload, ask: Ask) -> ScoreOutcome:
    """One judge's score of one query, with one reminder."""
    first = await ask(ROLE, payload.messages, logprobs=True)
    outcome = read_answer(first, payload.order)
    if outcome.state != ScoreState.UNREADABLE:
        return outcome
    reply = {"role": "assistant", "content": first.text or "(no answer)"}
    reminded = [*payload.messages, reply, {"role": "user", "content": REMINDER}]
    second = read_answer(await ask(ROLE, reminded, sample=1, logprobs=True), "score_first")
    if second.state == ScoreState.UNREADABLE:
        return outcome
    return replace(second, explanation=second.explanation or outcome.explanation)


def read_answer(answer: Answer, order: Order) -> ScoreOutcome:
    """The outcome of one reply; an unreadable one keeps its text as explanation, for people."""
    text = answer.text.strip()
    if answer.refused:
        return ScoreOutcome(ScoreState.REFUSED, answer.call_id, explanation=text)
    try:
        score = read_score(answer.text, order)
    except BadReply:
        return ScoreOutcome(ScoreState.UNREADABLE, answer.call_id, explanation=text)
    if answer.finish_reason == "length" and (order == "reason_first" or not score.explanation):
        # Cut off before its end: a reason without its score, or a number that may have gone on.
        return ScoreOutcome(ScoreState.UNREADABLE, answer.call_id, explanation=text)
    expected = expected_level(answer.text, score.place, answer.logprobs)
    return ScoreOutcome(ScoreState.OK, answer.call_id, score.value, score.explanation, expected)


def plan(run: Run) -> Iterator[PlannedItem]:
    """One item for each chosen query and judge without a score, in the order of the queries.

    Parameters: judges (ids); source (slug), limit (the first N queries in play), sample and seed (N drawn queries).
    The same parameters choose the same queries, scored or not, so that a command given twice does nothing twice.
    """
    judges = list(Judge.objects.filter(pk__in=run.parameters["judges"]).select_related("template").order_by("pk"))
    for block in chosen_queries(run.parameters):
        scores = Score.objects.filter(query__in=block, judge__in=judges).order_by()
        scored = set(scores.values_list("query_id", "judge_id"))
        wanting = {pk for pk in block if any((pk, judge.pk) not in scored for judge in judges)}
        texts = Query.objects.filter(pk__in=wanting).order_by("pk").values_list("pk", "text", "response")
        for query_id, text, response in texts:
            for judge in judges:
                if (query_id, judge.pk) not in scored:
                    yield _item(query_id, judge, text, response)


def chosen_queries(parameters: dict[str, Any]) -> Iterator[list[int]]:
    """Blocks of keys of the queries that a run's parameters choose."""
    queries: QueryQuerySet = Query.objects.in_play()
    if source := parameters.get("source"):
        queries = queries.filter(source__slug=source)
    if language := parameters.get("language"):
        queries = queries.filter(language=language)
    if parameters.get("disputed"):
        queries = queries.filter(disputed=True)
    if parameters.get("judged"):
        queries = queries.filter(pk__in=Verdict.objects.filter(withdrawn=False).values("query"))
    if (size := parameters.get("sample")) is not None:
        keys = list(queries.order_by("pk").values_list("pk", flat=True))
        drawn = sorted(random.Random(parameters["seed"]).sample(keys, min(size, len(keys))))
        yield from (drawn[start : start + BLOCK] for start in range(0, len(drawn), BLOCK))
        return
    left = parameters.get("limit")
    for block in key_blocks(queries):
        yield block if left is None else block[:left]
        if left is not None:
            left -= len(block)
            if left <= 0:
                return


def order_of(judge: Judge) -> Order:
    """Where the score stands in this judge's replies."""
    return "reason_first" if judge.template.answer_order == AnswerOrder.REASON_FIRST else "score_first"


def _item(query_id: int, judge: Judge, text: str, response: str) -> PlannedItem:
    messages = messages_for(judge.template, query=text, response=response)
    payload = ScorePayload(query_id, judge.pk, messages, order_of(judge))
    return PlannedItem(key=f"{query_id}:{judge.pk}", payload=asdict(payload))


async def step(payload: dict[str, Any], ask: Ask, execute: Execute) -> ScoreOutcome:
    return await score_query(ScorePayload(**payload), ask)


def save(finished: Sequence[Finished]) -> None:
    """Write the scores, and the facts of each query once every judge that counts has answered."""
    if not finished:  # every lease was lost
        return
    query_ids = sorted({one.item.payload["query_id"] for one in finished})
    # Two workers that write the two scores of a query at once would each miss the other's.
    locked = Query.objects.select_for_update(no_key=True).filter(pk__in=query_ids).order_by("pk")
    standing = set(locked.values_list("pk", flat=True))
    finished = [one for one in finished if one.item.payload["query_id"] in standing]
    if not finished:  # all were withdrawn meanwhile
        return
    _store_scores(finished)
    judges = counting_judges()
    counting = {judge.pk for judge in judges}
    if touched := {one.item.payload["query_id"] for one in finished if one.item.payload["judge_id"] in counting}:
        store_facts(sorted(touched), judges)


def _store_scores(finished: Sequence[Finished]) -> None:
    """Write the scores; what a judge says of a query it has rated before replaces that. One statement for all."""
    now, columns = as_stored(timezone.now()), ("query_id", "judge_id", "created_at", *SAID)
    places = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(finished))
    changes = ", ".join(f"{name} = excluded.{name}" for name in SAID)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO curation_score ({', '.join(columns)}) VALUES {places} "  # noqa: S608  # names of columns
            f"ON CONFLICT (query_id, judge_id) DO UPDATE SET {changes}",
            [value for one in finished for value in _row(one, now)],
        )


def _row(finished: Finished, now: str) -> Sequence[Any]:
    payload, outcome = finished.item.payload, finished.outcome
    return (payload["query_id"], payload["judge_id"], now, *(getattr(outcome, name) for name in SAID))


def estimate(payload: dict[str, Any]) -> Estimate:
    return Estimate(questions=[Question(ROLE, payload["messages"], logprobs=True)])


def begin(run: Run, by: User | None) -> None:
    """Rules count the judges of a run that a page starts; `count_instead`: in the place of earlier ones."""
    judges = Judge.objects.filter(pk__in=run.parameters["judges"]).select_related("template")
    let_count(judges, instead=run.parameters.get("count_instead", False), by=by, door=Door.PAGE)


def asked_for(
    judges: Sequence[Judge], model: Model, *, source: str | None, limit: int | None
) -> tuple[str, dict[str, Any]]:
    """The title and the parameters of a run that lets these judges, all of one model, rate queries."""
    names = ", ".join(judge.template.name for judge in judges)
    parameters = {"judges": [judge.pk for judge in judges], "source": source, "limit": limit}
    return f"Scoring with {names} by {model.slug}", parameters


KIND = Kind(
    name="scoring",
    title="Scoring",
    plan=plan,
    step=step,
    save=save,
    estimate=estimate,
    roles=(ROLE,),
    start_page=StartPage("curation:score", "Score queries"),
    begin=begin,
)
