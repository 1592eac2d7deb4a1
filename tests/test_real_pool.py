"""The walkthrough on a slice of real data, when the folder with it lies beside the checkout.

In the process that has loaded the embedding model; commands in processes of their own go the way in test_whole_way.py.
"""

import itertools
import json

import pytest
from django.db.models import Count

from accounts.models import Door
from dialogues.models import Dialogue, Seed
from dialogues.reviewing import approve_many
from tests.running import run_command

FILES = {
    "data-oss_instruct-decontaminated.reshaped.jsonl": "oss-instruct",
    "data-evol_instruct-decontaminated.reshaped.jsonl": "evol-instruct",
    "EvolInstruct-Code.reshaped.json": "evol-code",
    "Python-Code-23k-ShareGPT.reshaped.json": "python-sharegpt",
    "CodeFeedback-Filtered-Instruction.reshaped.jsonl": "code-feedback-filtered",
}
SLICE = 120

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("sample_pool", "embeddings", "bubblewrap"),
    pytest.mark.xdist_group("the embedding model"),
    pytest.mark.django_db(transaction=True),
]


def manage(*arguments):
    ran = run_command(*arguments)
    assert ran.exit_code == 0, ran.said
    return ran.result


@pytest.fixture
def slices(pool, tmp_path):
    """The first records of each real file, in the file's own layout."""
    made = {}
    for name, source in FILES.items():
        path = tmp_path / name
        with (pool / "reshaped" / "dev" / name).open(encoding="utf-8", newline="\n") as file:
            if name.endswith(".json"):
                path.write_text(json.dumps(json.load(file)[:SLICE], ensure_ascii=False), encoding="utf-8")
            else:
                path.write_text("".join(itertools.islice(file, SLICE)), encoding="utf-8", newline="\n")
        made[path] = source
    return made


def test_real_queries_go_the_whole_way(slices, models_file, tmp_path):
    imports = [manage("import_queries", path, "--source", source) for path, source in slices.items()]
    assert sum(one["read"] for one in imports) == SLICE * len(FILES)
    assert all(one["read"] == one["accepted"] + one["duplicates"] + one["rejected"] for one in imports)
    assert sum(one["duplicates"] for one in imports) > SLICE / 2  # the same queries stand in several published sets

    scored = manage("score", "--limit", 60, "--wait")
    assert (scored["state"], scored["done"]) == ("done", 120)
    decided = manage("decide")
    assert decided["kept"] > 10
    packed = manage("build", "packing", "--wait")
    simulated = manage("build", "simulation", "--limit", 2, "--wait")
    assert packed["done"] >= 1
    assert simulated["done"] == simulated["items"] > 0
    packed_into = Seed.objects.filter(use="packing").values("query").annotate(n=Count("pk"))
    assert not packed_into.filter(n__gt=1).exists()

    waiting = Dialogue.objects.filter(state="in_review").values_list("pk", flat=True)
    approve_many(list(waiting), by=None, door=Door.COMMAND, note="for a test")
    file = tmp_path / "approved.jsonl"
    exported = manage("export", file)
    assert exported["dialogues"] + exported["refused"] == packed["done"] + simulated["done"]
    total = manage("funnel")["total"]
    assert (total["exported"], total["approved"]) == (exported["dialogues"], exported["dialogues"])
