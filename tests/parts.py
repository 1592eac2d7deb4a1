"""Parts of the machine that a test may need, and what to do where one is absent."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from tests import browsing

POOL = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def _module(name):
    return find_spec(name) is not None


def _postgresql():
    return bool(list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))) or shutil.which("initdb") is not None


PARTS = {
    "bubblewrap": (lambda: shutil.which("bwrap") is not None, "bwrap is not installed (apt install bubblewrap)"),
    "chromium": (
        lambda: browsing.browser_program() is not None,
        "no browser is installed (apt install chromium-headless-shell)",
    ),
    "postgresql": (_postgresql, "PostgreSQL is not installed (apt install postgresql)"),
    "redis": (lambda: shutil.which("redis-server") is not None, "redis-server is not installed"),
    "embeddings": (lambda: _module("sentence_transformers"), "the extra `embeddings` is not installed"),
    "datasets": (lambda: _module("datasets"), "the package datasets is not installed"),
    "import_linter": (lambda: _module("importlinter"), "import-linter is not installed (make check installs it)"),
    "sample_pool": (POOL.is_dir, "the folder ../shared/data with real data is absent"),
}
