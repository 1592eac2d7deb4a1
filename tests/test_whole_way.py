"""The whole way by command on the sample data: counts add up, both databases agree, the file keeps its promises."""

import itertools
import json
import os
import tempfile
from pathlib import Path

import pytest

from curation.models import Vector
from tests.servers import start_postgresql, stop
from tests.sites import Site

SAMPLES = Path(__file__).resolve().parent.parent / "sample_data"
WAY = [
    ("import_queries", SAMPLES / "oss_instruct.jsonl", "--source", "oss"),
    ("import_queries", SAMPLES / "evol_instruct.jsonl", "--source", "evol"),
    ("import_queries", SAMPLES / "evol_code.json", "--source", "evol-code"),
    ("import_queries", SAMPLES / "python_sharegpt.json", "--source", "sharegpt"),
    ("import_queries", SAMPLES / "broken.jsonl", "--source", "broken"),
    ("import_dialogues", SAMPLES / "dialogues.jsonl", "--source", "dialogues"),
    ("find_duplicates",),
    ("score", "--wait"),
    ("decide",),
    ("build", "packing", "--seed", "7", "--wait"),
    ("build", "simulation", "--limit", "12", "--seed", "7", "--wait"),
    ("funnel",),
]
# These say when or where, not what: they may differ between two runs of the same way.
OF_THE_RUN = {"run", "batch", "seconds", "sha256"}

pytestmark = [
    pytest.mark.needs("embeddings", "bubblewrap"),
    pytest.mark.xdist_group("the whole way"),
    pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the run on SQLite goes the way on both databases"),
]


def go(site):
    """The whole way on one site: what each command said."""
    return {name_of(step): site.manage(*step, "--json") for step in WAY}


def name_of(step):
    command, *arguments = step
    return f"{command} {getattr(arguments[0], 'name', arguments[0])}" if arguments and command != "score" else command


def comparable(value):
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items() if key not in OF_THE_RUN}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    return value


@pytest.fixture(scope="module")
def sqlite_way(demo_model, tmp_path_factory):
    """A site on which the whole way has been gone, and what its commands said."""
    return gone_way(demo_model, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="module")
def postgresql_way(demo_model, tmp_path_factory, sqlite_way):
    """The same on a PostgreSQL server of its own, which stays as long as the tests here; vectors are not made again."""
    programs = []
    with tempfile.TemporaryDirectory(prefix="way-") as folder, pytest.MonkeyPatch.context() as environ:
        Path(folder).chmod(0o755)
        try:
            environ.setenv("DATABASE_URL", start_postgresql(Path(folder), programs))
            way = gone_way(demo_model, tmp_path_factory.mktemp("postgresql"), vectors_of=sqlite_way[0])
            environ.undo()
            yield way
        finally:
            stop(programs)


def gone_way(demo_model, folder, *, vectors_of=None):
    site = Site(folder, demo_model.models_file(folder))
    if vectors_of is not None:
        with vectors_of.as_own_database():
            columns = ("text_hash", "model", "values")
            vectors = [Vector(**row) for row in Vector.objects.values(*columns)]
        with site.as_own_database():
            Vector.objects.bulk_create(vectors)
    return site, go(site)


def test_the_counts_of_every_step_add_up(sqlite_way):
    _, said = sqlite_way
    imports = [result for step, result in said.items() if step.startswith("import_")]
    assert all(one["read"] == one["accepted"] + one["duplicates"] + one["rejected"] for one in imports)
    accepted = sum(result["accepted"] for step, result in said.items() if step.startswith("import_queries"))
    duplicates = said["find_duplicates"]["duplicates"]
    decided = said["decide"]
    assert decided["kept"] + decided["dropped"] + decided["unscored"] == accepted - duplicates
    assert decided["disputed"] >= 5
    for step in ("score", "build packing", "build simulation"):
        run = said[step]
        assert run["state"] == "done"
        assert run["items"] == run["done"] + run["failed"] + run["skipped"] > 0


@pytest.mark.needs("postgresql")
def test_both_databases_give_the_same_counts(sqlite_way, postgresql_way):
    # A question asked by two items at once is shared by chance.
    by_chance = {"calls", "ledger_hits", "spent"}
    (_, said), (_, other) = sqlite_way, postgresql_way
    for step, result in said.items():
        assert comparable(other[step]).keys() == comparable(result).keys(), step
        for key in comparable(result).keys() - by_chance:
            assert comparable(other[step][key]) == comparable(result[key]), (step, key)


@pytest.fixture(scope="module")
def exported(sqlite_way, tmp_path_factory):
    """The lines of an export of all dialogues, approved here by a script."""
    site, _ = sqlite_way
    site.approve_all()
    file = tmp_path_factory.mktemp("export") / "approved.jsonl"
    result = site.manage("export", file, "--layout", "code_feedback", "--json")
    lines = file.read_text().split("\n")
    assert lines.pop() == ""
    assert result["dialogues"] == len(lines) > 10
    assert result["refused"] == 0
    return file, [json.loads(line) for line in lines]


def test_every_exported_line_alternates_user_first_assistant_last_and_nothing_is_empty(exported):
    _, records = exported
    for record in records:
        assert set(record) == {"id", "messages"}
        assert isinstance(record["id"], int)
        roles = [message["role"] for message in record["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert len(roles) >= 2
        assert all(set(message) == {"role", "content"} and message["content"].strip() for message in record["messages"])
    assert len({record["id"] for record in records}) == len(records)


def test_datasets_loads_the_file(exported, tmp_path):
    from datasets import load_dataset

    file, records = exported
    loaded = load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == len(records)


def test_every_execution_turn_of_the_export_is_reproduced_by_running_its_code_again(exported):
    import sandbox
    from dialogues.executions import execution_turn, input_turn
    from llm.replies import calls_input, last_code

    _, records = exported
    reproduced = 0
    for record in records:
        for answer, turn in itertools.pairwise(record["messages"]):
            if turn["role"] != "user" or not turn["content"].startswith("Execution result:"):
                continue
            code = last_code(answer["content"]).code
            again = input_turn() if calls_input(code) else execution_turn(sandbox.run(code))
            assert turn["content"] == again, f"dialogue {record['id']}"
            reproduced += 1
    assert reproduced >= 12


def test_a_rerun_of_the_stored_executions_finds_nothing_changed(sqlite_way):
    site, _ = sqlite_way
    checked = site.manage("check_executions", "--json")
    assert checked["checked"] > 0
    assert checked["changed"] == 0
