"""Deciding and auditing 287,000 scored queries: what the decision takes, and the pages and the desk that follow it."""

import json
from collections.abc import Iterator

from bench.figures import Figure
from bench.lists import run_module
from bench.sites import Machine

SCORED = 287_000


def decide(machine: Machine) -> Iterator[Figure]:
    """The first decision and another rule's, how long each keeps others from writing, and the slowest page after it."""
    for database in machine.databases:
        with machine.site(database) as site:
            run_module(site, "bench.filling", "--queries", 0, "--kept", 0, "--scored", SCORED)
            told = json.loads(run_module(site, "bench.auditing"))

        def figure(name: str, value: float, unit: str, target: float, database: str = database) -> Figure:
            return Figure(name=name, database=database, value=value, unit=unit, target=target)

        for name in ("decide", "decide_again"):
            yield figure(name, told[name]["seconds"], "s", 60)
        if database == "sqlite":
            for name in ("decide", "decide_again", "draw", "undo_draw"):
                yield figure(f"{name}_block", told[name]["most_ms"], "ms", 100)
        yield figure("audit_pages", max(told["pages"].values()), "ms", 1000)
        yield figure("audit_desk", max(told["desk"].values()), "ms", 300)
