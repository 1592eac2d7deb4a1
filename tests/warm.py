"""Commands in processes of their own that find the libraries loaded: half of what a short one costs is loading them.

Where a test starts a command to end it in the middle, or starts the program as a person does, it is started cold.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = [
    "django.contrib.admin.decorators",
    "django.contrib.admin.sites",
    "django.contrib.staticfiles.storage",
    "django.core.management",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.db.models",
    "django.forms",
    "django.template",
    "django.urls",
    "django.views",
    "web.paging",
    "web.search",
    "celery.app.base",
    "celery.fixups.django",
    "celery.loaders.app",
    "celery.worker",
    "openai",
    "aiohttp.web",
    "sqlite3",
    "statistics",
    "tomllib",
    "psycopg",
    "markdown_it",
    "environ",
    "tqdm",
]
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(LIBRARIES)


def run_warm(arguments: Iterable[object], environ: Mapping[str, str], *, timeout: float) -> tuple[int, str, str]:
    """Run manage.py with these arguments and nothing else in the environment: (exit status, stdout, stderr)."""
    with tempfile.TemporaryDirectory(prefix="said-") as folder:
        files = [Path(folder) / name for name in ("stdout", "stderr")]
        process = WarmProcess(arguments, environ, *files)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise TimeoutError(f"{arguments} did not end within {timeout} s:\n{files[1].read_text()}") from None
        stdout, stderr = (file.read_text(encoding="utf-8") for file in files)
        return status, stdout, stderr


class WarmProcess:
    """manage.py with these arguments, in a session of its own; asked, awaited and ended as one of subprocess is."""

    def __init__(
        self, arguments: Iterable[object], environ: Mapping[str, str], stdout: Path | str, stderr: Path | str
    ) -> None:
        said = (str(stdout), str(stderr))
        # A daemon is ended with the test process, which would else wait for it.
        self._process = _processes.Process(
            target=_manage, args=([*map(str, arguments)], dict(environ), *said), daemon=True
        )
        self._process.start()
        self.pid: int = self._process.pid  # type: ignore[assignment]  # it has been started
        self.terminate, self.kill = self._process.terminate, self._process.kill

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("manage.py", timeout or 0)
        return self._process.exitcode


def _manage(arguments: Sequence[str], environ: Mapping[str, str], *files: str) -> None:
    os.setsid()
    # A suite that was started in the background passes on that Ctrl-C is ignored; a command does not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environ)
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    sys.argv = ["manage.py", *arguments]
    sys.path[0] = str(ROOT)
    runpy.run_path("manage.py", run_name="__main__")
