"""Build dialogues: what each method plans from kept queries, and how a finished draft becomes rows."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.db.models import Exists, OuterRef

from curation.models import Problem, Query
from curation.models.queries import QueryQuerySet
from curation.texts import storable
from curation.vectors import fill_vectors, read_vectors
from dialogues.consistency import lint
from dialogues.drafts import BadDraft, Draft, DraftSeed, DraftTurn
from dialogues.feedback import ROLE as CRITIC
from dialogues.methods import packing, simulation
from dialogues.models import Dialogue, Method, Seed, Turn
from embeddings import Embedder, Embeds, nearest
from runs import executing
from runs.controlling import WITHDRAWN
from runs.kinds import Ask, Estimate, Execute, Finished, Kind, PlannedItem, Question, StartPage
from runs.models import FINAL_STATES, ItemState, Run, WorkItem

BLOCK = 500
TITLE_LENGTH = 200
START_PAGE = StartPage("dialogues:build", "Build dialogues")


def kept_queries(parameters: dict[str, Any]) -> QueryQuerySet:
    """The kept queries a run may look at. Parameters: source (slug)."""
    queries = Query.objects.kept()
    source = parameters.get("source")
    return queries.filter(source__slug=source) if source else queries


def buildable(parameters: dict[str, Any], method: Method) -> QueryQuerySet:
    """Of these, the ones the method has not used yet. Parameters: settled_only leaves disputed ones out."""
    used = Seed.objects.filter(query=OuterRef("pk"), use=method)
    queries = kept_queries(parameters).filter(~Exists(used))
    if method == Method.PACKING:
        queries = queries.filter(response__regex=r"\S")
    return queries.filter(disputed=False) if parameters.get("settled_only") else queries


def taken_elsewhere(run: Run) -> set[int]:
    """Queries of items that other runs of this kind still have to do."""
    open_items = WorkItem.objects.filter(run__kind=run.kind, state__in=[ItemState.PENDING, ItemState.LEASED])
    keys = open_items.exclude(run__state__in=FINAL_STATES).exclude(run=run.pk).values_list("key", flat=True)
    return {int(pk) for key in keys.iterator() for pk in key.split("-")}


def plan_packing(run: Run, embedder: Embeds) -> Iterator[PlannedItem]:
    """One item per pack, of one deterministic pass over all kept queries; leaves its leftovers in the parameters.

    Neighbours are sought among all kept queries, usable or not, so that a pack's members are the nearest there are.
    """
    parameters = run.parameters
    kept = kept_queries(parameters)
    fill_vectors(kept, embedder)
    rows = list(kept.order_by("pk").values_list("pk", "text_hash"))
    usable = set(buildable(parameters, Method.PACKING).values_list("pk", flat=True)) - taken_elsewhere(run)
    vectors = read_vectors([text_hash for _, text_hash in rows], embedder.name)
    neighbours, _ = nearest(vectors, packing.NEIGHBOURS)
    plan = packing.plan_packs(
        neighbours.tolist(),
        [pk in usable for pk, _ in rows],
        lambda one, other: float(vectors[one] @ vectors[other]),
        random.Random(parameters["seed"]),
        ceiling=parameters.get("ceiling", packing.CEILING),
        floor=parameters.get("floor", packing.FLOOR),
    )
    packs = [[rows[position][0] for position in (one.anchor, *one.members)] for one in plan.packs]
    packs = packs[: parameters.get("limit")]
    parameters["planned_leftovers"] = len(usable) - sum(map(len, packs))
    for keys in packs:
        yield PlannedItem(key="-".join(map(str, keys)), payload={"query_ids": keys})


async def pack(payload: dict[str, Any], ask: Ask, execute: Execute) -> Sequence[int]:
    """The plan has decided everything: there is nothing to ask or to run."""
    return [int(pk) for pk in payload["query_ids"]]


def save_packs(finished: Sequence[Finished]) -> None:
    """Write the dialogue of each pack; the constraint on seeds refuses a query that was packed meanwhile."""
    queries = Query.objects.in_bulk([pk for one in finished for pk in one.outcome])
    for one in finished:
        draft = packing.packed([queries[pk] for pk in one.outcome])
        draft.check()
        save_draft(one.item, draft)


def plan_simulation(run: Run) -> Iterator[PlannedItem]:
    """One item for each kept query that no simulation has used, in seeded order, in a language this host runs."""
    parameters = run.parameters
    languages = executing.languages()
    unused = buildable(parameters, Method.SIMULATION)
    # A query of unknown language is tried: its first answer tells.
    runnable = unused.filter(language__in=["", *languages])
    parameters["planned_not_runnable"] = unused.count() - runnable.count()
    keys = _in_order_of_trial(set(runnable.values_list("pk", flat=True)) - taken_elsewhere(run), run)
    for start in range(0, len(keys), BLOCK):
        block = keys[start : start + BLOCK]
        queries = Query.objects.only("text", "language").in_bulk(block)
        for pk in block:
            payload = simulation.SimulationPayload(
                query_id=pk,
                query=queries[pk].text,
                languages=_languages_of_answers(queries[pk].language, languages),
                feedback_rounds=parameters.get("feedback_rounds", 1),
                scripted=parameters.get("scripted", False),
            )
            yield PlannedItem(key=str(pk), payload=asdict(payload))


def _in_order_of_trial(keys: set[int], run: Run) -> list[int]:
    """In seeded order, up to the limit; those an earlier run skipped come last, so that they never block the rest."""
    skipped = WorkItem.objects.filter(run__kind=run.kind, state=ItemState.SKIPPED).exclude(error_class=WITHDRAWN)
    skipped = skipped.exclude(run=run.pk)
    tried = set(skipped.values_list("key", flat=True))
    order = sorted(keys)
    random.Random(run.parameters["seed"]).shuffle(order)
    return sorted(order, key=lambda pk: str(pk) in tried)[: run.parameters.get("limit")]


def _languages_of_answers(language: str, languages: Sequence[str]) -> list[str]:
    """What counts as the code of an answer. A shell block after a program mostly tells how to start it."""
    return [name for name in languages if name != "bash" or language == "bash"]


async def simulate(payload: dict[str, Any], ask: Ask, execute: Execute) -> Draft:
    """One simulated dialogue; its draft keeps the rules or the item fails."""
    draft = await simulation.simulate(simulation.SimulationPayload(**payload), ask, execute)
    draft.check()
    return draft


def estimate_simulation(payload: dict[str, Any]) -> Estimate:
    """The drafter is asked once; usually the refiner repairs once and confirms once before the user speaks."""
    rounds = int(payload["feedback_rounds"])
    first = Question(simulation.DRAFTER, simulation.drafter_messages(payload["query"]))
    return Estimate([first], {simulation.REFINER: 2 + rounds, CRITIC: rounds})


def save(finished: Sequence[Finished]) -> None:
    """Write checked drafts; the engine gives the transaction."""
    for one in finished:
        save_draft(one.item, one.outcome)


def save_draft(item: WorkItem, draft: Draft) -> None:
    """Write a checked draft as a dialogue in review."""
    first = " ".join(storable(draft.turns[0].content).split())
    dialogue = Dialogue.objects.create(
        method=draft.method,
        item=item,
        source_id=_source_of(draft.seeds[0]),
        title=first[:TITLE_LENGTH],
        language=draft.language,
        flags=lint(draft),
        scripted=draft.scripted,
        last_run_clean=draft.last_run_clean,
    )
    seeds = _plant(dialogue, draft)
    Turn.objects.bulk_create(_row(turn, dialogue, position, seeds) for position, turn in enumerate(draft.turns))


def _plant(dialogue: Dialogue, draft: Draft) -> Sequence[Seed]:
    """Write what the dialogue was grown from, and that these queries are used."""
    seeds = Seed.objects.bulk_create(
        Seed(dialogue=dialogue, position=position, use=draft.method, **asdict(seed))
        for position, seed in enumerate(draft.seeds)
    )
    grown_from = [seed.query_id for seed in draft.seeds if seed.query_id is not None]
    Query.objects.filter(pk__in=grown_from, used=False).update(used=True)
    return seeds


def _source_of(seed: DraftSeed) -> int:
    """A dialogue is of the source of its first seed."""
    if seed.query_id is not None:
        return Query.objects.values_list("source_id", flat=True).get(pk=seed.query_id)
    if seed.problem_id is None:
        raise BadDraft("a seed names neither a query nor a problem")
    return Problem.objects.values_list("source_id", flat=True).get(pk=seed.problem_id)


def _row(turn: DraftTurn, dialogue: Dialogue, position: int, seeds: Sequence[Seed]) -> Turn:
    columns = asdict(turn)
    seed = columns.pop("seed")
    content = storable(columns.pop("content"))
    return Turn(
        dialogue=dialogue,
        position=position,
        content=content,
        original_content=content,
        seed=None if seed is None else seeds[seed],
        **columns,
    )


def packing_kind(embedder: Callable[[], Embeds]) -> Kind:
    """The kind of packing, with the model that says what lies near what."""
    return Kind(
        name="packing",
        title="Build dialogues by packing",
        plan=lambda run: plan_packing(run, embedder()),
        step=pack,
        save=save_packs,
        estimate=lambda payload: Estimate([]),
        start_page=START_PAGE,
    )


PACKING = packing_kind(Embedder)
SIMULATION = Kind(
    name="simulation",
    title="Build dialogues by interaction simulation",
    plan=plan_simulation,
    step=simulate,
    save=save,
    estimate=estimate_simulation,
    roles=(simulation.DRAFTER, simulation.REFINER, CRITIC),
    start_page=START_PAGE,
)
KINDS = (PACKING, SIMULATION)
