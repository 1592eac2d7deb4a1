"""From kept queries to dialogues in review: plans, rows, and the build command against the demo model."""

import sys

import pytest

from curation.models import Query
from dialogues.building import SIMULATION, packing_kind, save_packs
from dialogues.executions import execution_turn
from dialogues.models import AuthorKind, Dialogue, Seed, State, Turn, TurnKind
from runs.kinds import Finished
from runs.models import Run, WorkItem
from tests.making import a_kept_query, a_query, a_source
from tests.running import run_command
from tests.servers import free_port

pytestmark = pytest.mark.django_db

TASKS = [
    "reverses a linked list", "reverses a doubly linked list", "finds a cycle in a linked list",
    "merges two sorted linked lists", "removes duplicates from a linked list",
    "parses a date in ISO format", "formats a date for a letter", "counts the days between two dates",
    "finds the weekday of a date", "adds months to a date",
    "sorts words by length", "sorts words by frequency", "counts the words of a text",
    "finds the longest word of a text", "capitalises every word of a title",
    "validates an e-mail address", "validates a telephone number", "validates a credit card number",
    "masks a credit card number", "extracts e-mail addresses from a text",
]  # fmt: skip


class ByLetters:
    """Unit vectors of letter counts: near texts lie near, and no model is loaded."""

    name = "by-letters"

    def embed(self, texts, progress=None):
        import numpy as np

        rows = np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def kept_tasks(**columns):
    return [
        a_kept_query(
            f"Write a function that {task}.", response=f"Here is one that {task}.", language="python", **columns
        )
        for task in TASKS
    ]


def packs(**parameters):
    run = Run(kind="packing", parameters={"seed": 1, **parameters})
    return [item.payload["query_ids"] for item in packing_kind(ByLetters).plan(run)], run


def simulations(**parameters):
    run = Run(kind="simulation", parameters={"seed": 1, **parameters})
    return [item.payload for item in SIMULATION.plan(run)], run


def nearest_by_brute_force(vectors, k=4):
    import numpy as np

    exact = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    np.fill_diagonal(exact, -np.inf)
    return [set(np.argsort(-row, kind="stable")[:k].tolist()) for row in exact]


@pytest.mark.once
@pytest.mark.needs("embeddings")
@pytest.mark.xdist_group("the embedding model")
@pytest.mark.django_db(transaction=True)
def test_packed_members_are_among_their_anchors_four_nearest_by_brute_force():
    from embeddings import Embedder

    queries = kept_tasks()
    built = run_command("build", "packing", "--wait")
    assert (built.exit_code, built.result["state"]) == (0, "done")
    dialogues = Dialogue.objects.filter(method="packing")
    assert built.result["items"] == built.result["done"] == dialogues.count() > 2
    place = {query.pk: position for position, query in enumerate(queries)}
    nearest = nearest_by_brute_force(Embedder().embed([query.text for query in queries]))
    packed = []
    for dialogue in dialogues:
        anchor, *members = dialogue.seeds.values_list("query_id", flat=True)
        packed += [anchor, *members]
        assert {place[member] for member in members} <= nearest[place[anchor]]
        assert 2 <= len(members) <= 3
    assert len(packed) == len(set(packed))
    assert built.result["leftovers"] == len(queries) - len(packed)


@pytest.mark.needs("embeddings")
def test_the_same_seed_packs_alike_and_the_limit_takes_the_first_packs():
    kept_tasks()
    plan, run = packs()
    assert packs()[0] == plan != packs(seed=2)[0]
    limited, limited_run = packs(limit=2)
    assert limited == plan[:2]
    assert run.parameters["planned_leftovers"] == 20 - sum(map(len, plan))
    assert limited_run.parameters["planned_leftovers"] == 20 - sum(map(len, limited))


@pytest.mark.needs("embeddings")
def test_packing_takes_only_kept_answered_unpacked_and_settled_queries():
    queries = kept_tasks()
    Query.objects.filter(pk=queries[0].pk).update(response=" \n")
    Query.objects.filter(pk=queries[1].pk).update(decision="none", decided_at=None)
    Query.objects.filter(pk=queries[2].pk).update(disputed=True)
    done = Dialogue.objects.create(method="packing")
    Seed.objects.create(dialogue=done, position=0, query=queries[3], use="packing")
    Seed.objects.create(dialogue=done, position=1, query=queries[4], use="simulation")
    packed = {pk for pack in packs(settled_only=True)[0] for pk in pack}
    assert not packed & {query.pk for query in queries[:4]}
    unsettled = {pk for seed in range(20) for pack in packs(seed=seed)[0] for pk in pack}
    assert {queries[2].pk, queries[4].pk} <= unsettled


@pytest.mark.needs("embeddings")
def test_queries_that_another_run_still_has_to_pack_are_not_planned_again():
    kept_tasks()
    plan, _ = packs(limit=2)
    run = Run.objects.create(kind="packing", title="queued", parameters={})
    for keys in plan:
        WorkItem.objects.create(run=run, key="-".join(map(str, keys)), payload={"query_ids": keys})
    taken = {pk for keys in plan for pk in keys}
    assert not taken & {pk for keys in packs()[0] for pk in keys}
    Run.objects.filter(pk=run.pk).update(state="cancelled")
    assert packs()[0][:2] == plan


def test_a_saved_pack_is_a_dialogue_in_review_whose_turns_point_to_their_seeds():
    queries = kept_tasks()[:3]
    run = Run.objects.create(kind="packing", title="x", parameters={})
    item = WorkItem.objects.create(run=run, key="1", payload={})
    save_packs([Finished(item, [query.pk for query in queries])])
    dialogue = Dialogue.objects.get(item=item)
    assert (dialogue.state, dialogue.method, dialogue.language) == (State.IN_REVIEW, "packing", "python")
    assert dialogue.title == queries[0].text and dialogue.flags == [] and dialogue.last_run_clean is None
    turns = list(dialogue.turns.all())
    assert [turn.content for turn in turns] == [text for query in queries for text in (query.text, query.response)]
    assert [turn.seed.query_id for turn in turns] == [query.pk for query in queries for _ in range(2)]
    assert {turn.author_kind for turn in turns} == {AuthorKind.SOURCE}
    assert all(turn.content == turn.original_content for turn in turns)


def test_simulation_is_planned_for_kept_queries_without_a_simulation():
    queries = kept_tasks()[:3]
    a_query("Not kept.")
    Query.objects.exclude(pk__in=[query.pk for query in queries]).update(disputed=True)
    dialogue = Dialogue.objects.create(method="simulation")
    Seed.objects.create(dialogue=dialogue, position=0, query=queries[0], use="simulation")
    Seed.objects.create(dialogue=dialogue, position=1, query=queries[1], use="packing")
    planned, _ = simulations(settled_only=True, feedback_rounds=2, scripted=True)
    assert {payload["query_id"] for payload in planned} == {queries[1].pk, queries[2].pk}
    assert {payload["query"] for payload in planned} == {queries[1].text, queries[2].text}
    assert all(payload["feedback_rounds"] == 2 and payload["scripted"] for payload in planned)


def test_the_seed_orders_simulations_and_the_limit_cuts_them():
    kept_tasks()
    order = [payload["query_id"] for payload in simulations()[0]]
    assert sorted(order) != order
    assert [payload["query_id"] for payload in simulations(limit=4)[0]] == order[:4]
    assert [payload["query_id"] for payload in simulations(seed=2)[0]] != order


def test_languages_this_host_cannot_run_are_counted_and_left_out():
    kept_tasks()
    a_kept_query("Write it in Malbolge.", language="malbolge")
    unknown = a_kept_query("Write it.", language="")
    planned, run = simulations()
    assert len(planned) == 21 and unknown.pk in {payload["query_id"] for payload in planned}
    assert run.parameters["planned_not_runnable"] == 1
    assert all("python" in payload["languages"] and "bash" not in payload["languages"] for payload in planned)


def test_what_an_earlier_run_skipped_comes_last():
    kept_tasks()
    order = [payload["query_id"] for payload in simulations()[0]]
    run = Run.objects.create(kind="simulation", title="earlier", parameters={}, state="done")
    WorkItem.objects.create(run=run, key=str(order[0]), payload={}, state="skipped")
    assert [payload["query_id"] for payload in simulations()[0]] == [*order[1:], order[0]]


def test_only_queries_of_the_source_are_taken():
    kept_tasks()
    own = a_kept_query("Write something else.", source=a_source("other"))
    assert [payload["query_id"] for payload in simulations(source="other")[0]] == [own.pk]


@pytest.mark.needs("bubblewrap")
@pytest.mark.django_db(transaction=True)
def test_simulated_dialogues_are_whole_and_every_execution_turn_reads_as_its_run(models_file):
    for task in TASKS[:6]:
        a_kept_query(f"Write a Python function that {task}.", language="python")
    built = run_command("build", "simulation", "--limit", 6, "--wait")
    assert built.exit_code == 0, built.said
    assert "scripted demo model" in built.said
    assert built.result["items"] == 6 == built.result["done"] + built.result["skipped"]
    dialogues = Dialogue.objects.filter(method="simulation")
    assert dialogues.count() == built.result["done"] > 0
    for dialogue in dialogues:
        turns = list(dialogue.turns.all())
        assert [turn.role for turn in turns] == ["user", "assistant"] * (len(turns) // 2)
        assert [turn.kind for turn in turns].count(TurnKind.FEEDBACK) == 1
        assert dialogue.scripted and dialogue.seeds.count() == 1
        assert dialogue.last_run_clean == turns[-1].execution.ran_clean
    reports = Turn.objects.filter(kind=TurnKind.EXECUTION).select_related("execution")
    assert reports.count() >= dialogues.count()
    assert all(turn.content == execution_turn(turn.execution) for turn in reports)
    again = run_command("build", "simulation", "--limit", 6, "--wait")
    assert (again.exit_code, again.result["items"]) == (0, 0)


def test_a_dry_run_prices_the_work_and_changes_nothing(models_file):
    kept_tasks()
    quoted = run_command("build", "simulation", "--limit", 5, "--dry-run")
    assert quoted.result["items"] == 5 and quoted.result["calls"] == 5 * 5
    assert float(quoted.result["cost"]) > 0
    assert not Run.objects.exists() and not Dialogue.objects.exists()


@pytest.mark.once
@pytest.mark.needs("bubblewrap")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [["--wait"], ["--dry-run"]], ids=lambda options: options[0])
def test_a_runner_that_does_not_answer_is_named_and_the_command_goes_on_when_it_does(models_file, monkeypatch, options):
    kept_tasks()
    monkeypatch.setenv("SANDBOX_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("SANDBOX_TOKEN", "x" * 32)
    away = run_command("build", "simulation", "--limit", 2, *options)
    assert away.exit_code == 3, away.said
    assert "does not answer" in away.said and "Nothing was sent" in away.said
    assert not WorkItem.objects.exists()
    monkeypatch.delenv("SANDBOX_URL")
    assert run_command("build", "simulation", "--limit", 2, *options).result["items"] == 2
    assert Run.objects.count() == ("--wait" in options)


def test_an_unknown_source_is_bad_input_and_names_the_known_ones():
    a_source("oss")
    refused = run_command("build", "packing", "--source", "nowhere")
    assert refused.exit_code == 2 and "nowhere" in refused.said and "oss" in refused.said


def test_packing_without_the_extra_says_so_and_starts_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    kept_tasks()
    refused = run_command("build", "packing", "--wait")
    assert refused.exit_code == 2
    assert "faiss" in refused.said and "not found: the extra `embeddings`" in refused.said
    assert not Run.objects.exists()
