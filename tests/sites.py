"""A site of its own for a test: real processes on a fresh database, and a demo model server beside them."""

import itertools
import json
import os
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from environ import Env

from tests.demo_models import DemoModel
from tests.migrated import ROOT, copied_database, copied_file, create_database
from tests.warm import run_warm

# Test processes that run side by side share one Redis: a hundred databases for each.
SITES = itertools.count(1 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))
__all__ = ["DemoModel", "Site"]
MODELS = """
from accounts.models import *
from curation.models import *
from dialogues.models import *
from runs.models import *
from django.db.models import *
"""


class Site:
    """Commands of the program against a database that only this test uses."""

    # Where tests may not open a database: a context manager in which they may (conftest.py gives it).
    database_access = staticmethod(nullcontext)

    def __init__(self, folder, models_file, *, tables=True):
        self.folder = Path(folder)
        self.environ = {**os.environ, "VAR_DIR": str(self.folder / "var"), "MODELS_FILE": str(models_file)}
        self.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        if "DATABASE_URL" in os.environ:
            url = os.environ["DATABASE_URL"]
            self.database = copied_database(url) if tables else create_database(url)
            self.environ["DATABASE_URL"] = self.database
        elif tables:
            self.database = copied_file(self.folder / "var")
        if "REDIS_URL" in os.environ:
            # Messages of one site must not wake the workers of another: each has a numbered database of its own.
            self.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{next(SITES)}").geturl()

    def start(self, *arguments, **options):
        """Start a command and go on."""
        command = [sys.executable, "manage.py", *map(str, arguments)]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    def run(self, *arguments, timeout=240):
        """Run a command to its end: (exit status, stdout, stderr)."""
        return run_warm(arguments, self.environ, timeout=timeout)

    def manage(self, *arguments):
        """Run a command that has to succeed; its --json object when it was asked for."""
        status, stdout, stderr = self.run(*arguments)
        assert status == 0, f"{arguments} ended with {status}:\n{stdout}\n{stderr}"
        return json.loads(stdout.rstrip("\n").rpartition("\n")[2]) if "--json" in arguments else stdout

    def ask_database(self, code):
        """Evaluate an expression over the program's models on this site's database, e.g. Query.objects.count()."""
        names = {}
        exec(MODELS, names)
        with self.as_own_database():
            return json.loads(json.dumps(eval(code, names), default=str))

    def approve_all(self):
        """Approve every dialogue in review, as a script does it: without reading."""
        from accounts.models import Door
        from dialogues.models import Dialogue
        from dialogues.reviewing import approve_many

        with self.as_own_database():
            waiting = list(Dialogue.objects.filter(state="in_review").values_list("pk", flat=True))
            approve_many(waiting, by=None, door=Door.COMMAND, note="for a test")

    @contextmanager
    def as_own_database(self):
        """The models of the test process speak to this site's database meanwhile."""
        from django.conf import settings
        from django.db import connections
        from django.db.utils import ConnectionHandler

        own, options = connections["default"], settings.SQLITE_OPTIONS if self.database.startswith("sqlite") else {}
        there = ConnectionHandler({"default": Env.db_url_config(self.database) | {"OPTIONS": options}})["default"]
        with self.database_access():
            connections["default"] = there
            try:
                yield
            finally:
                connections["default"] = own
                there.close()
