"""The rubric lab: a sample rated by every arm (template version, model, temperature). Its scores enter no rule."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from curation.models import Judge, Query, Template
from curation.scores.judges import DEFAULT_TEMPLATES, REASON_FIRST_TWINS, judge_of, messages_for
from curation.scores.scoring import ROLE, ScoreOutcome, ScorePayload, chosen_queries, order_of, save, score_query
from llm.catalog import Catalog, Model
from runs.kinds import Ask, Estimate, Execute, Kind, PlannedItem, Question, StartPage
from runs.models import Run

DEFAULT_SAMPLE, LARGEST_SAMPLE, MOST_ARMS = 200, 5_000, 16
# Both shipped templates, each with the score first and with the reason first.
DEFAULT_ARMS = [twin for name in DEFAULT_TEMPLATES for twin in (name, REASON_FIRST_TWINS[name])]
FILTERS = ("source", "language", "judged", "disputed")


def warmed(models: Sequence[Model], temperatures: Sequence[float], catalog: Catalog) -> list[Model]:
    """Each model at each temperature; without one, as the models file has it."""
    if not temperatures:
        return list(models)
    return [catalog.model_called(f"{model.slug}@{warmth:g}") for model in models for warmth in temperatures]


def arms(templates: Sequence[Template], models: Sequence[Model], *, draw: int = 0) -> list[Judge]:
    """One judge of the lab for each template asked of each model."""
    return [judge_of(template, model, draw=draw, lab=True) for template in templates for model in models]


def asked_for(
    judges: Sequence[Judge], *, sample: int, seed: int, filters: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The title and the parameters of a lab; `filters` narrow the queries that the sample is drawn from."""
    chosen = {name: filters[name] for name in FILTERS if filters.get(name)}
    parameters = {
        "judges": [judge.pk for judge in judges],
        "models": sorted({_model_of(judge) for judge in judges}),
        "sample": sample,
        "seed": seed,
    }
    return f"Rubric lab: {len(judges)} arms on {sample} queries", parameters | chosen


def _model_of(judge: Judge) -> str:
    return f"{judge.model}@{judge.sampling['temperature']:g}"


def judges_of(run: Run) -> list[Judge]:
    """The arms of a lab, in the order in which they were chosen."""
    found = Judge.objects.select_related("template").in_bulk(run.parameters["judges"])
    return [found[pk] for pk in run.parameters["judges"]]


def sample_of(run: Run) -> list[int]:
    """The queries that were drawn, as the run's items hold them: the pool may have changed since."""
    return sorted({int(key.partition(":")[0]) for key in run.items.order_by().values_list("key", flat=True)})


def plan(run: Run) -> Iterator[PlannedItem]:
    """Every drawn query with every arm, those too whose answers are paid for: the ledger gives them.

    Parameters: judges (ids), sample and seed, and filters: source (slug), language, judged, disputed.
    """
    judges = judges_of(run)
    for block in chosen_queries(run.parameters):
        texts = Query.objects.filter(pk__in=block).order_by("pk").values_list("pk", "text", "response")
        for query_id, text, response in texts:
            for judge in judges:
                messages = messages_for(judge.template, query=text, response=response)
                payload = asdict(ScorePayload(query_id, judge.pk, messages, order_of(judge)))
                yield PlannedItem(key=f"{query_id}:{judge.pk}", payload=payload | {"model": _model_of(judge)})


async def step(payload: dict[str, Any], ask: Ask, execute: Execute) -> ScoreOutcome:
    asked = {name: value for name, value in payload.items() if name != "model"}
    return await score_query(ScorePayload(**asked), partial(ask, model=payload["model"]))


def estimate(payload: dict[str, Any]) -> Estimate:
    return Estimate(questions=[Question(ROLE, payload["messages"], logprobs=True, model=payload["model"])])


KIND = Kind(
    name="rubric_lab",
    title="Rubric lab",
    plan=plan,
    step=step,
    save=save,
    estimate=estimate,
    roles=(ROLE,),
    start_page=StartPage("curation:new_lab", "Compare templates"),
    report_page="curation:lab",
)
