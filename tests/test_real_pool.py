"""The walkthrough on a slice of real data, when the folder with it lies beside the checkout."""

import itertools
import json

import pytest

from tests.sites import Site

FILES = {
    "data-oss_instruct-decontaminated.reshaped.jsonl": "oss-instruct",
    "data-evol_instruct-decontaminated.reshaped.jsonl": "evol-instruct",
    "EvolInstruct-Code.reshaped.json": "evol-code",
    "Python-Code-23k-ShareGPT.reshaped.json": "python-sharegpt",
    "CodeFeedback-Filtered-Instruction.reshaped.jsonl": "code-feedback-filtered",
}
SLICE = 120

pytestmark = [pytest.mark.once, pytest.mark.needs("sample_pool", "embeddings", "bubblewrap")]


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


def test_real_queries_go_the_whole_way(slices, demo_model, tmp_path):
    site = Site(tmp_path, demo_model.models_file(tmp_path))
    imports = [site.manage("import_queries", path, "--source", source, "--json") for path, source in slices.items()]
    assert sum(one["read"] for one in imports) == SLICE * len(FILES)
    assert all(one["read"] == one["accepted"] + one["duplicates"] + one["rejected"] for one in imports)
    assert sum(one["duplicates"] for one in imports) > SLICE / 2  # the same queries stand in several published sets

    scored = site.manage("score", "--limit", 60, "--wait", "--json")
    assert (scored["state"], scored["done"]) == ("done", 120)
    decided = site.manage("decide", "--json")
    assert decided["kept"] > 10
    packed = site.manage("build", "packing", "--wait", "--json")
    simulated = site.manage("build", "simulation", "--limit", 2, "--wait", "--json")
    assert packed["done"] >= 1
    assert simulated["done"] == simulated["items"] > 0
    packed_twice = "Seed.objects.filter(use='packing').values('query').annotate(n=Count('pk')).filter(n__gt=1).count()"
    assert site.ask_database(packed_twice) == 0

    site.approve_all()
    file = tmp_path / "approved.jsonl"
    exported = site.manage("export", file, "--json")
    assert exported["dialogues"] + exported["refused"] == packed["done"] + simulated["done"]
    total = site.manage("funnel", "--json")["total"]
    assert (total["exported"], total["approved"]) == (exported["dialogues"], exported["dialogues"])
