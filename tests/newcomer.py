"""A site as a newcomer has it after the demo: gone the whole way once, then served."""

import os
import signal
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import free_port
from tests.sites import Site

PASSWORD = "a long enough password"
# One process runs them all, so that they find one site.
GROUP = "the newcomer's site"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The site, what the demo said on it, and the file that it wrote."""

    site: Site
    said: str
    file: Path


@pytest.fixture(scope="session")
def newcomer(demo_model, tmp_path_factory):
    """The demo without packing, over a site that somebody has begun to use."""
    folder = tmp_path_factory.mktemp("newcomer")
    site, file = Site(folder, demo_model.models_file(folder)), folder / "approved.jsonl"
    site.manage("shell", "--no-imports", "-c", "from curation.models import Source; Source.objects.create(slug='mine')")
    start_over = () if "DATABASE_URL" in os.environ else ("--reset",)
    said = site.manage("demo", "--no-serve", *start_over, "--without-packing", "--export-to", file)
    return Newcomer(site, said, file)


@pytest.fixture(scope="module")
def served(newcomer):
    """Its address while `up` serves it, with a curator and an administrator whose password is known."""
    make = "from accounts.people import make_person; " + "; ".join(
        f"make_person('{name}', role='{role}', password='{PASSWORD}')"
        for name, role in (("carla", "curator"), ("ada", "administrator"))
    )
    newcomer.site.manage("shell", "--no-imports", "-c", make)
    port = free_port()
    process = newcomer.site.start("up", "--port", port)
    deadline = time.monotonic() + 90
    while not answers(f"http://127.0.0.1:{port}/login/"):
        assert process.poll() is None and time.monotonic() < deadline, "the site did not start"
        time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)


def answers(url):
    """Whether a page comes from there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
