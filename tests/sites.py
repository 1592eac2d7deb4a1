"""A site of its own for a test: real processes on a fresh database, and a demo model server beside them."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from tests.on_postgresql import free_port

SITES = itertools.count(1)
ROOT = Path(__file__).resolve().parent.parent


class DemoModel:
    """The demo model server as a process; `stats()` is what it says it was asked."""

    def __init__(self, *options, port=None):
        self.port, self.options = port or free_port(), options
        self.process = None
        self.start()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self):
        command = [sys.executable, "manage.py", "demo_model", "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the demo model did not start: {self.process.stderr.read()}")
            time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)

    def stats(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=5) as answer:
            return json.load(answer)

    def fail(self, fault):
        """Every request fails that way from now on; see llm/demo_faults.py."""
        body = json.dumps({"fault": fault}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/faults", data=body, method="POST")
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

    def __init__(self, folder, models_file):
        self.folder = Path(folder)
        self.environ = {**os.environ, "VAR_DIR": str(self.folder / "var"), "MODELS_FILE": str(models_file)}
        self.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        if "DATABASE_URL" in os.environ:
            self.environ["DATABASE_URL"] = self._fresh_database(os.environ["DATABASE_URL"])
        if "REDIS_URL" in os.environ:
            # Messages of one site must not wake the workers of another: each has a numbered database of its own.
            self.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{next(SITES)}").geturl()
        self.manage("migrate")

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
        """Evaluate an expression over the program's models in a process of its own, e.g. Query.objects.count()."""
        script = (
            "import json\nfrom accounts.models import *\n"
            "from curation.models import *\nfrom dialogues.models import *\n"
            f"from runs.models import *\nfrom django.db.models import *\nprint(json.dumps({code}, default=str))"
        )
        return json.loads(self.manage("shell", "--no-imports", "-c", script))

    def approve_all(self):
        """Approve every dialogue in review, as a script does it: without reading."""
        self.manage(
            "shell",
            "--no-imports",
            "-c",
            "from accounts.models import Door\nfrom dialogues.models import Dialogue\n"
            "from dialogues.reviewing import approve_many\n"
            "waiting = list(Dialogue.objects.filter(state='in_review').values_list('pk', flat=True))\n"
            "approve_many(waiting, by=None, door=Door.COMMAND, note='for a test')",
        )

    def _fresh_database(self, url):
        import psycopg

        parts, name = urlsplit(url), f"site_{uuid4().hex[:12]}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return parts._replace(path=f"/{name}").geturl()
