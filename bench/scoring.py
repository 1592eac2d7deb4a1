"""Scoring: calls a second and CPU a call beside a bare asyncio loop at the same endpoint, and recovery from kills."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.figures import Figure
from bench.sites import Machine, Site
from bench.usage import CommandFailed, cpu_so_far_s
from tests.demo_models import DemoModel
from tests.migrated import ROOT

LATENCY_S, IN_FLIGHT = 1.0, 256
QUERIES, TEMPLATES = 4_000, 2
KILLS, KILLED_QUERIES = 20, 10_000
PATIENCE_S = 600.0
WORDS = ["sort", "merge", "filter", "graph", "cache", "parse", "token", "stream", "window", "matrix", "queue", "tree"]
# Reads the questions of a run's items out of the database, as one request body a line.
QUESTIONS = """
import sys
from pathlib import Path
from django.conf import settings
from llm.catalog import load_catalog
from runs.ledger import question
from runs.models import WorkItem
model = load_catalog(settings.MODELS_FILE).model_for("scorer")
with Path({path!r}).open("wb") as lines:
    for payload in WorkItem.objects.order_by("pk").values_list("payload", flat=True):
        lines.write(question("scorer", model, payload["messages"]).request + b"\\n")
"""
COUNTS = """
import json
from django.db.models import Sum
from runs.models import Call, Run
run = Run.objects.get()
paid = Call.objects.aggregate(attempts=Sum("attempts"), answers=Sum("answers"), lost=Sum("lost"))
print(json.dumps({"state": run.state, "items": run.items_total, "done": run.items_done, "calls": run.calls,
                  "run_lost": run.calls_lost, "spent": str(run.spent), **paid}))
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Of one process between a tenth and nine tenths of its calls: answers a second, CPU seconds an answer."""

    calls_per_s: float
    cpu_s_per_call: float


def scoring_rate(machine: Machine) -> Iterator[Figure]:
    """Answers a second, stored and scored, at an endpoint of one second's latency with 256 in flight."""
    for database in machine.databases:
        ours, bare = _paced(machine, database)
        yield Figure(
            name="scoring_rate",
            database=database,
            value=ours.calls_per_s,
            limit=bare.calls_per_s,
            unit="/s",
            relative=True,
            bound="≥",
            target=0.95,
        )


def scoring_cpu(machine: Machine) -> Iterator[Figure]:
    """CPU of the worker for a call that is asked, paid, stored and read; beside it the bare loop's."""
    for database in machine.databases:
        ours, bare = _paced(machine, database)
        yield Figure(
            name="scoring_cpu",
            database=database,
            value=1000 * ours.cpu_s_per_call,
            limit=1000 * bare.cpu_s_per_call,
            unit="ms",
            target=1.6,
        )


def kill_recovery(machine: Machine) -> Iterator[Figure]:
    """Calls asked again after twenty SIGKILLs of a run of 20,000; more than were in flight would be a fault."""
    for database in machine.databases:
        repeated = _killed(machine, database)
        limit = KILLS * IN_FLIGHT
        yield Figure(
            name="kill_recovery",
            database=database,
            value=repeated,
            limit=limit,
            unit="calls",
            relative=True,
            target=1.0,
        )


@cache
def _paced(machine: Machine, database: str) -> tuple[Pace, Pace]:
    """(ours, the bare loop's), one after the other at the same server."""
    with machine.site(database) as site:
        server = _server(site, "--latency", str(LATENCY_S))
        try:
            _plan(site, QUERIES)
            requests = site.folder / "requests.jsonl"
            site.manage("shell", "--no-imports", "-c", QUESTIONS.format(path=str(requests)))
            bare = [sys.executable, "-m", "bench.bare", server.base_url, str(requests), str(IN_FLIGHT)]
            ours = _pace(server, site.command("work", "--until-idle"), site.environ)
            return ours, _pace(server, bare, dict(os.environ))
        finally:
            server.stop()


def _pace(server: DemoModel, command: list[str], environ: dict[str, str]) -> Pace:
    calls, before = QUERIES * TEMPLATES, _answered(server)
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL) as process:
        marks = [_mark(server, process, before + round(calls * share)) for share in (0.1, 0.9)]
    (began, cpu_began, first), (ended, cpu_ended, last) = marks
    return Pace((last - first) / (ended - began), (cpu_ended - cpu_began) / (last - first))


def _mark(server: DemoModel, process: "subprocess.Popen[bytes]", answers: int) -> tuple[float, float, int]:
    """(time, CPU seconds of the process, answers given) once so many were given."""
    deadline = time.monotonic() + PATIENCE_S
    while (answered := _answered(server)) < answers:
        if process.poll() is not None or time.monotonic() > deadline:
            raise CommandFailed(f"only {answered} of {answers} calls were answered")
        time.sleep(0.02)
    return time.monotonic(), cpu_so_far_s(process.pid), answered


def _killed(machine: Machine, database: str) -> int:
    with machine.site(database) as site:
        server = _server(site, "--latency", "0.2-2")
        try:
            _plan(site, KILLED_QUERIES)
            for number in range(KILLS):
                _kill_once(site, server, KILLED_QUERIES * TEMPLATES * (number + 1) // (KILLS + 2))
            site.manage("work", "--until-idle")
            return _checked(site, server)
        finally:
            server.stop()


def _kill_once(site: Site, server: DemoModel, requests: int) -> None:
    with subprocess.Popen(
        site.command("work", "--until-idle"), cwd=ROOT, env=site.environ, stdout=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + PATIENCE_S
        while (stats := server.stats())["requests"] < requests or stats["in_flight"] < IN_FLIGHT // 4:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(f"the worker stood still at {stats['requests']} requests")
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)


def _checked(site: Site, server: DemoModel) -> int:
    """How many calls were repeated; CommandFailed when anything does not add up."""
    counts: dict[str, Any] = json.loads(site.manage("shell", "--no-imports", "-c", COUNTS).splitlines()[-1])
    stats = server.stats()
    whole = (counts["state"], counts["done"]) == ("done", counts["items"])
    # A question noted as leaving when its worker was killed may never have reached the server.
    exact = counts["answers"] == counts["calls"] and counts["lost"] == counts["run_lost"]
    if not (whole and exact and counts["answers"] <= stats["requests"] <= counts["attempts"]):
        raise CommandFailed(f"after {KILLS} kills the counts differ: ledger {counts}, server {stats}")
    return int(stats["repeated"])


def _answered(server: DemoModel) -> int:
    return int(server.stats()["answered"])


def _server(site: Site, *options: str) -> DemoModel:
    server = DemoModel(*options)
    # Without token probabilities: the bare loop reads none either.
    changes = {
        "concurrency = 64": f"concurrency = {IN_FLIGHT}",
        "supports_logprobs = true": "supports_logprobs = false",
    }
    server.models_file(site.folder, **changes)
    return server


def _plan(site: Site, queries: int) -> None:
    """A queued scoring run of made queries of about 1–2 KB each, so that prompts have 1–3 KB."""
    rng, path = random.Random(7), site.folder / "queries.jsonl"
    with path.open("w") as lines:
        for number in range(queries):
            text = f"Write a function, variant {number}, that " + " ".join(rng.choices(WORDS, k=rng.randint(60, 260)))
            lines.write(json.dumps({"instruction": text, "response": "Use a heap. " * 20}) + "\n")
    site.manage("import_queries", path, "--source", "made")
    site.manage("score")
