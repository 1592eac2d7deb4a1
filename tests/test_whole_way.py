"""The whole way by command on the sample data: counts add up, both databases agree, the file keeps its promises."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from tests.on_postgresql import start_postgresql
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

pytestmark = pytest.mark.needs("embeddings", "bubblewrap")


def go(site):
    """The whole way on one site: what each command said."""
    return {" ".join(map(str, step[:2])): site.manage(*step, "--json") for step in WAY}


def comparable(value):
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items() if key not in OF_THE_RUN}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    return value


@pytest.fixture(scope="module")
def gone(demo_model, tmp_path_factory):
    """A site on which the whole way has been gone, and what its commands said."""
    folder = tmp_path_factory.mktemp("way")
    site = Site(folder, demo_model.models_file(folder))
    return site, go(site)


def test_the_counts_of_every_step_add_up(gone):
    _, said = gone
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
@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the two databases are compared in the run on SQLite")
def test_postgresql_gives_the_same_counts(gone, demo_model, tmp_path):
    _, said = gone
    programs = []
    with tempfile.TemporaryDirectory(prefix="way-") as folder:
        Path(folder).chmod(0o755)
        try:
            os.environ["DATABASE_URL"] = start_postgresql(Path(folder), programs)
            site = Site(tmp_path, demo_model.models_file(tmp_path))
            other = go(site)
        finally:
            del os.environ["DATABASE_URL"]
            for program in programs:
                program.terminate()
                program.wait(timeout=30)
    for step, result in said.items():
        assert comparable(other[step]).keys() == comparable(result).keys(), step
        for key, value in comparable(result).items():
            if key not in (
                "calls",
                "ledger_hits",
                "spent",
            ):  # a question asked by two items at once is shared by chance
                assert comparable(other[step][key]) == value, (step, key)


def test_every_execution_turn_is_reproduced_by_running_its_code_again(gone):
    site, _ = gone
    checked = site.manage("check_executions", "--json")
    assert checked["checked"] > 0
    assert checked["changed"] == 0


def test_an_approved_dialogue_leaves_as_the_paper_says_and_datasets_loads_it(gone, tmp_path):
    from datasets import load_dataset

    site, _ = gone
    site.manage(
        "shell", "--no-imports", "-c",
        "from dialogues.models import Dialogue\nfrom dialogues.reviewing import approve_many\n"
        "from accounts.models import Door\n"
        "approve_many(list(Dialogue.objects.filter(state='in_review').values_list('pk', flat=True)), by=None, "
        "door=Door.COMMAND, note='for the test')",
    )  # fmt: skip
    file = tmp_path / "approved.jsonl"
    result = site.manage("export", file, "--layout", "code_feedback", "--json")
    lines = file.read_text().split("\n")
    assert lines.pop() == ""
    assert result["dialogues"] == len(lines) > 10
    for line in lines:
        record = json.loads(line)
        assert set(record) == {"id", "messages"}
        assert isinstance(record["id"], int)
        roles = [message["role"] for message in record["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert len(roles) >= 2
        assert all(set(message) == {"role", "content"} and message["content"].strip() for message in record["messages"])
    loaded = load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == len(lines)
