"""How soon the site answers after its start command, and what the first load of the review page weighs."""

import re
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure
from bench.sites import PATIENCE_S, Machine, Site
from bench.usage import CommandFailed
from bench.visiting import Visitor, first_load
from tests.migrated import ROOT
from tests.servers import free_port

STARTS = 3


def start_time(machine: Machine) -> Iterator[Figure]:
    """From `manage.py up` to the first page that was served: of a site that stands, and in an empty folder."""
    for database in machine.databases:
        for name, tables, target in (("start_time", True, 5), ("first_start", False, 10)):
            seconds = statistics.median(_starting(machine, database, tables=tables) for _ in range(STARTS))
            yield Figure(name=name, database=database, value=seconds, unit="s", target=target)


def _starting(machine: Machine, database: str, *, tables: bool) -> float:
    with machine.site(database, tables=tables) as site:
        began = time.perf_counter()
        with served(site):
            return time.perf_counter() - began


def page_weight(machine: Machine) -> Iterator[Figure]:
    """What a reviewer's browser with an empty cache is sent for the first dialogue in review."""
    for database in machine.databases:
        with machine.site(database) as site:
            site.manage("import_dialogues", ROOT / "sample_data" / "dialogues.jsonl", "--source", "sample")
            with served(site) as address:
                kilobytes = sum(sent for _, sent in first_load(logged_in(site, address), "/review/")) / 1000
        yield Figure(name="page_weight", database=database, value=kilobytes, unit="KB", target=150)


@contextmanager
def served(site: Site) -> Iterator[str]:
    """The site with all its programs, once it answers; the address it is served at."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with site.started("up", "--port", port) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(f"{address}/login/"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(f"the site did not start:\n{(site.folder / 'said.txt').read_text()}")
            time.sleep(0.02)
        yield address


def logged_in(site: Site, address: str, *, name: str = "rita", role: str = "reviewer") -> Visitor:
    """The browser of a person who came by the one-time link."""
    said = site.manage("createreviewer", name, "--role", role, "--site", address)
    link = re.search(r"http://\S+", said)
    if link is None:
        raise CommandFailed(f"createreviewer gave no link:\n{said}")
    visitor = Visitor(address)
    visitor.get(link[0])
    visitor.submit(link[0])
    return visitor


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):  # noqa: S310  # an address of this machine
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
