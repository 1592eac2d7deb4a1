"""The import of queries: wall and CPU beside bare inserts of the same rows, and memory as files grow."""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from bench.figures import Figure
from bench.pools import write_pool
from bench.sites import Machine, Site
from bench.usage import CommandFailed, Usage, run_measured
from tests.migrated import ROOT

RECORDS, ROUNDS = 100_000, 2
FEW_RECORDS, ALL_RECORDS = 1_000, 287_000
COUNTS = "from curation.models import Query, Sighting; print(Query.objects.count(), Sighting.objects.count())"


def import_speed(machine: Machine) -> Iterator[Figure]:
    """Wall seconds of `import_queries` for 100,000 records, and CPU with the server's; beside it the bare inserts'."""
    for database in machine.databases:
        ours, bare = _by_turns(machine, database)
        for name, of in (("import", "wall_s"), ("import_cpu", "cpu_s")):
            value, limit = (statistics.median(getattr(usage, of) for usage in usages) for usages in (ours, bare))
            yield Figure(name=name, database=database, value=value, limit=limit, unit="s", relative=True, target=2)


def import_memory(machine: Machine) -> Iterator[Figure]:
    """How much more an import of 287,000 records takes at its peak than one of 1,000."""
    for database in machine.databases:
        few, many = (_ours(machine, database, count).peak_rss_bytes / 1e6 for count in (FEW_RECORDS, ALL_RECORDS))
        yield Figure(name="import_memory", database=database, value=many - few, limit=few, unit="MB more", target=100)


def _by_turns(machine: Machine, database: str) -> tuple[list[Usage], list[Usage]]:
    """Ours and the peer's; who goes first changes with each round."""
    ours: list[Usage] = []
    bare: list[Usage] = []
    for number in range(ROUNDS):
        for measure, usages in ((_ours, ours), (_bare, bare))[:: 1 if number % 2 == 0 else -1]:
            usages.append(measure(machine, database, RECORDS))
    return ours, bare


def _ours(machine: Machine, database: str, count: int) -> Usage:
    with machine.site(database) as site:
        command = site.command("import_queries", _pool(machine, count), "--source", "made")
        usage = _with_server(machine, site, command)
        _check(site, count)
    return usage


def _bare(machine: Machine, database: str, count: int) -> Usage:
    with machine.site(database) as site:
        # What the peer's rows have in common, and what they refer to.
        site.manage("import_queries", _pool(machine, 1, seed=6), "--source", "made")
        url = site.environ.get("DATABASE_URL", f"sqlite:///{site.folder / 'studio.sqlite3'}")
        command = [sys.executable, "-m", "bench.bare_import", str(_pool(machine, count)), url]
        usage = _with_server(machine, site, command)
        _check(site, count + 1)
    return usage


def _with_server(machine: Machine, site: Site, command: list[str]) -> Usage:
    before = machine.server_cpu_s(site.database)
    usage = run_measured(command, environ=site.environ, cwd=ROOT)
    return replace(usage, cpu_s=usage.cpu_s + machine.server_cpu_s(site.database) - before)


@cache
def _pool(machine: Machine, count: int, *, seed: int = 5) -> Path:
    path = machine.folder / f"pool-{count}-{seed}.jsonl"
    write_pool(path, count, seed=seed)
    return path


def _check(site: Site, count: int) -> None:
    stored = site.manage("shell", "--no-imports", "-c", COUNTS).split()
    if stored != [str(count)] * 2:
        raise CommandFailed(f"{count} queries and sightings should be stored, there are {' and '.join(stored)}")
