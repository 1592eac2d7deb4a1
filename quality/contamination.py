"""Contamination on labelled probes: planted among real queries, through the real import and the real check."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.sites import Machine, Site

FILE = "contamination.jsonl"
BENCHMARKS = {"humaneval": "humaneval/HumanEval.jsonl", "mbpp": "mbpp/mbpp.jsonl"}
# The probes come first: of a query that stands in both, the planted answer is the one that is kept.
POOL = ("reshaped/dev/EvolInstruct-Code.reshaped.json",)
AT_LEAST_SET_ASIDE = {
    "verbatim": 100,
    "renamed": 95,
    "reflowed": 95,
    "preamble": 95,
    "embedded": 95,
    "case_punct": 95,
    "docstring_only": 95,
    "homoglyph_zero_width": 95,
    "ported_js": 95,
    "solution_in_answer": 95,
}
AT_LEAST_NEAR, MOST_FALSE_ALARMS = 70, 1
RUN_WORDS = 10

STANDING = """
import json
from curation.models import ContaminationHit, Query
from curation.texts import text_hash
queries = {hash: (pk, state) for pk, hash, state in Query.objects.values_list("pk", "text_hash", "contamination")}
near = {}
for pk, task in ContaminationHit.objects.filter(tier="neighbour").values_list("query", "task__external_id"):
    near.setdefault(pk, []).append(task)
found = []
for text in json.load(open(texts_file)):
    pk, state = queries[text_hash(text)]
    found.append([state, near.get(pk, [])])
waiting = Query.objects.suspects().count()
print(json.dumps({"probes": found, "waiting": waiting, "pairs": sum(map(len, near.values())), "pool": len(queries)}))
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """A labelled query, and what the check made of it."""

    variant: str
    clean: bool
    set_aside: bool
    # It is among the nearest of its task, or set aside already.
    near: bool
    # What word 10-grams of the query alone would have said.
    shares_run: bool


def by_variant(machine: Machine, probes: Path) -> Iterator[Figure]:
    """The share of each variant that is set aside, of paraphrases in the queue; false alarms, and the queue."""
    records = [json.loads(line) for line in (probes / FILE).read_text().split("\n") if line]
    data = probes.parents[1]
    found = _checked(machine, data, records)
    of_variant = defaultdict(list)
    for probe in _judged(records, found["probes"], _runs_of_tasks(data)):
        of_variant[probe.variant].append(probe)
    for variant, share in AT_LEAST_SET_ASIDE.items():
        planted = of_variant[variant]
        yield _figure(variant, [one.set_aside for one in planted], planted, "% set aside", target=share)
    paraphrases = of_variant["paraphrase"]
    yield _figure("paraphrase", [one.near for one in paraphrases], paraphrases, "% in the queue", target=AT_LEAST_NEAR)
    every = [one for of_one in of_variant.values() for one in of_one]
    yield _false_alarms(every)
    yield Figure(name="contamination_queue", value=found["waiting"], unit="queries", target=None, database="sqlite")
    yield Figure(name="contamination_pairs", value=found["pairs"], unit="pairs", target=None, database="sqlite")
    yield Figure(name="contamination_pool", value=found["pool"], unit="queries", target=None, database="sqlite")


def _figure(variant: str, held: Sequence[bool], probes: Sequence[Probe], unit: str, *, target: float) -> Figure:
    return Figure(
        name=f"contamination_{variant}",
        value=_percent(held),
        limit=_percent([one.shares_run for one in probes]),
        unit=unit,
        target=target,
        bound="≥",
        database="sqlite",
    )


def _false_alarms(probes: Sequence[Probe]) -> Figure:
    return Figure(
        name="contamination_false_alarms",
        value=_percent([one.clean for one in probes if one.set_aside]),
        limit=_percent([one.clean for one in probes if one.shares_run]),
        unit="% of set aside",
        target=MOST_FALSE_ALARMS,
        database="sqlite",
    )


def _percent(held: Sequence[bool]) -> float:
    return 100 * sum(held) / len(held) if held else 0.0


def _judged(records: list[dict[str, Any]], found: list[list[Any]], runs: set[str]) -> Iterator[Probe]:
    planted = {record["query"] for record in records if record["variant"] != "none"}
    for record, (state, near) in zip(records, found, strict=True):
        clean = record["expected"] == "must_not_flag"
        if record["variant"] == "none" and (not clean or record["query"] in planted):
            continue  # it shares a phrase with a task and may be set aside; or the pool holds it with a planted answer
        yield Probe(
            variant=record["variant"],
            clean=clean,
            set_aside=state == "set_aside",
            near=state == "set_aside" or record["task_id"] in near,
            shares_run=not runs.isdisjoint(_runs(record["query"])),
        )


def _checked(machine: Machine, data: Path, records: list[dict[str, Any]]) -> dict[str, Any]:
    """The probes in a pool of real queries, after the check of all against both benchmarks."""
    with machine.site("sqlite") as site:
        for name, file in BENCHMARKS.items():
            site.manage("import_benchmark", data / file, "--name", name)
        planted, texts = site.folder / "probes.jsonl", site.folder / "texts.json"
        planted_first = sorted(records, key=lambda one: one["variant"] == "none")
        lines = (json.dumps({"instruction": one["query"], "response": one["answer"] or "–"}) for one in planted_first)
        planted.write_text("".join(line + "\n" for line in lines))
        texts.write_text(json.dumps([one["query"] for one in records]))
        site.manage("import_queries", planted, "--source", "probes")
        for file in POOL:
            site.manage("import_queries", data / file, "--source", "pool")
        site.manage("check_contamination")
        return _said(site, texts)


def _said(site: Site, texts: Path) -> dict[str, Any]:
    said = site.manage("shell", "--no-imports", "-c", f"texts_file = {str(texts)!r}\n{STANDING}")
    found: dict[str, Any] = json.loads(said)
    return found


def _runs_of_tasks(data: Path) -> set[str]:
    """The word 10-grams of all prompts: what everyone checks with."""
    tasks = [json.loads(line) for file in BENCHMARKS.values() for line in (data / file).read_text().splitlines()]
    return {run for task in tasks for run in _runs(task.get("prompt") or task["text"])}


def _runs(text: str) -> Iterator[str]:
    words = re.findall(r"\w+", text.lower())
    return (" ".join(words[start : start + RUN_WORDS]) for start in range(len(words) - RUN_WORDS + 1))
