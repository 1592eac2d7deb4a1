"""Every list at 287,000 queries and 68,000 dialogues: the slowest, page 1,000 beside page 1; and the funnel."""

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.figures import Figure
from bench.listing import DEEP_PAGE
from bench.sites import Machine, Site
from bench.usage import CommandFailed
from tests.migrated import ROOT

DIALOGUES = 68_000
# What counts the whole pool and lists nothing.
PAGES = ("funnel", "start")


def lists(machine: Machine) -> Iterator[Figure]:
    """Server time of the slowest list, filter or search; and of the page 1,000 that needs most beside its page 1."""
    for database in machine.databases:
        with machine.site(database) as site:
            run_module(site, "bench.filling", "--dialogues", DIALOGUES)
            took: dict[str, float] = json.loads(run_module(site, "bench.listing"))
        slowest = max(ms for name, ms in took.items() if name not in PAGES)
        yield Figure(name="lists", database=database, value=slowest, unit="ms", target=100)
        deep, first = max(_pairs(took), key=lambda pair: pair[0] / pair[1])
        yield Figure(
            name="lists_deep", database=database, value=deep, limit=first, unit="ms", relative=True, target=1.2
        )
        yield Figure(name="funnel", database=database, value=took["funnel"], unit="ms", target=1_000)


def _pairs(took: dict[str, float]) -> Iterator[tuple[float, float]]:
    """Page 1,000 and page 1 of each list that is so long."""
    for name, ms in took.items():
        if name.endswith(DEEP_PAGE):
            yield ms, took[name.removesuffix(DEEP_PAGE)]


def run_module(site: Site, module: str, *arguments: object) -> str:
    """Run a module of the bench on the site; the last line that it printed. What it tells meanwhile is shown."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, env=site.environ, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"{module} ended with {done.returncode}")
    return done.stdout.rstrip("\n").rpartition("\n")[2]
