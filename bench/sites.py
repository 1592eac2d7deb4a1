"""Sites to measure on: a database in a folder of its own, and the program's commands on it."""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from bench.usage import CommandFailed, cpu_so_far_s
from tests.migrated import ROOT, copied_database, copied_file, create_database
from tests.servers import Programs, free_port, start_postgresql, start_redis, stop

DATABASES = ("sqlite", "postgresql")
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Site:
    """One database of the program, its folder, and the environment in which commands use them."""

    database: str
    folder: Path
    environ: dict[str, str]

    def command(self, *arguments: object) -> list[str]:
        """What starts a command of the program; it wants `environ`."""
        return [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)]

    def manage(self, *arguments: object) -> str:
        """Run a command that has to succeed; what it said."""
        done = subprocess.run(
            self.command(*arguments), env=self.environ, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CommandFailed(f"{arguments[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    @contextmanager
    def started(self, *arguments: object) -> Iterator["subprocess.Popen[bytes]"]:
        """A command that runs meanwhile and is asked to end then; what it says stands in the folder."""
        with (self.folder / "said.txt").open("wb") as said:
            process = subprocess.Popen(
                self.command(*arguments), env=self.environ, cwd=ROOT, stdout=said, stderr=said, start_new_session=True
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(PATIENCE_S)


class Machine:
    """Where all measurements of one run take place: the chosen databases, whose servers start when first needed."""

    def __init__(self, folder: Path, databases: Sequence[str]) -> None:
        self.folder, self.databases = folder, databases
        self._programs: Programs = []
        self._numbers = itertools.count(1)

    @contextmanager
    def site(self, database: str, *, tables: bool = True) -> Iterator[Site]:
        """A fresh database, with its tables unless asked without; it goes with its folder."""
        with tempfile.TemporaryDirectory(prefix="site-", dir=self.folder) as name:
            folder = Path(name)
            environ = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
            environ |= {"VAR_DIR": str(folder), "MODELS_FILE": str(_models_file(folder))}
            if database == "postgresql":
                environ |= self._full_setup(tables)
            elif tables:
                copied_file(folder)
            yield Site(database, folder, environ)

    def server_cpu_s(self, database: str) -> float:
        """CPU that the server of this database has used so far; 0 where the program itself does its work."""
        if database == "sqlite":
            return 0.0
        _ = self._servers
        return cpu_so_far_s(self._programs[0].pid)

    def stop(self) -> None:
        """End the servers that were started."""
        stop(self._programs)

    def _full_setup(self, tables: bool) -> dict[str, str]:
        postgresql, redis = self._servers
        return {
            "DATABASE_URL": copied_database(postgresql) if tables else create_database(postgresql),
            # Each site has a numbered database of its own.
            "REDIS_URL": urlsplit(redis)._replace(path=f"/{next(self._numbers)}").geturl(),
            "SECRET_KEY": "only for this measurement",
        }

    @cached_property
    def _servers(self) -> tuple[str, str]:
        self.folder.chmod(0o755)
        return start_postgresql(self.folder, self._programs), start_redis(self.folder, self._programs)


def _models_file(folder: Path) -> Path:
    """The models that the program ships with, their scripted endpoint on a port of its own."""
    file = folder / "models.toml"
    file.write_text((ROOT / "models.toml").read_text().replace("127.0.0.1:8001", f"127.0.0.1:{free_port()}"))
    return file
