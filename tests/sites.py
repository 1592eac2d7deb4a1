"""A site of its own for a test: real processes on a fresh database, and a demo model server beside them."""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from environ import Env

from tests.migrated import ROOT, copied_database, copied_file
from tests.servers import free_port

# Test processes that run side by side share one Redis: a hundred databases for each.
SITES = itertools.count(1 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))
MODELS = """
from accounts.models import *
from curation.models import *
from dialogues.models import *
from runs.models import *
from django.db.models import *
"""


class DemoModel:
    """The demo model server as a process; `stats()` is what it says it was asked, `events()` what it logged."""

    def __init__(self, *options, port=None, log=None):
        self.port, self.log = port or free_port(), log
        self.options = (*options, "--log", str(log)) if log else options
        self.process = None
        self.start()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self):
        command = [sys.executable, "manage.py", "demo_model", "--port", str(self.port), *self.options]
        # A file and no pipe: nobody reads it while a test goes on, and a full pipe would stop the server.
        with tempfile.TemporaryFile("w+") as said:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said)
            deadline = time.monotonic() + 30
            while not self._answers():
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise RuntimeError(f"the demo model did not start: {said.read()}")
                time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)

    def stats(self, *, by_key=False):
        """What it was asked; by key also a row for every request body, named by the sha256 of its canonical JSON."""
        address = f"http://127.0.0.1:{self.port}/stats{'?by=key' if by_key else ''}"
        with urllib.request.urlopen(address, timeout=60 if by_key else 5) as answer:
            return json.load(answer)

    def fail(self, fault, **wish):
        """Requests fail that way from now on: `next=3` of them, or at a `rate` by `seed`; see llm/demo_plan.py."""
        self._post("/faults", {"fault": fault, **wish})

    def fail_by_rate(self, rates, seed=0):
        """Several faults at once, each at its rate: {"429": 0.3, "cut": 0.01}."""
        faults = [{"fault": fault, "rate": rate} for fault, rate in rates.items()]
        self._post("/faults", {"faults": faults, "seed": seed})

    def recover(self):
        """No request fails any more."""
        self.fail(None)

    def events(self, name=None):
        """The events of the log so far, oldest first; only those of one name when it is given."""
        # Without an end of line the last one is still being written.
        lines = Path(self.log).read_text().rpartition("\n")[0].splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if name in (None, event["event"])]

    def _post(self, path, wish):
        body = json.dumps(wish).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method="POST")
        urllib.request.urlopen(request, timeout=5).close()

    def models_file(self, folder, **replacements):
        """models.toml with this server's port."""
        text = (ROOT / "models.toml").read_text().replace("127.0.0.1:8001", f"127.0.0.1:{self.port}")
        for old, new in replacements.items():
            text = text.replace(old, new)
        path = Path(folder) / "models.toml"
        path.write_text(text)
        return path

    def _answers(self):
        try:
            urllib.request.urlopen(f"{self.base_url}/models", timeout=1).close()
        except OSError:
            return False
        return True


class Site:
    """Commands of the program against a database that only this test uses."""

    # Where tests may not open a database: a context manager in which they may (conftest.py gives it).
    database_access = staticmethod(nullcontext)

    def __init__(self, folder, models_file):
        self.folder = Path(folder)
        self.environ = {**os.environ, "VAR_DIR": str(self.folder / "var"), "MODELS_FILE": str(models_file)}
        self.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        if "DATABASE_URL" in os.environ:
            self.database = copied_database(os.environ["DATABASE_URL"])
            self.environ["DATABASE_URL"] = self.database
        else:
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
        process = self.start(*arguments)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, stdout, stderr

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
        from django.db import connections
        from django.db.utils import ConnectionHandler

        own = connections["default"]
        there = ConnectionHandler({"default": Env.db_url_config(self.database)})["default"]
        with self.database_access():
            connections["default"] = there
            try:
                yield
            finally:
                connections["default"] = own
                there.close()
