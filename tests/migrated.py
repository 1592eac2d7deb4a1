"""Databases with all tables: migrated once in a run of the suite, then copied for whoever needs one."""

import atexit
import fcntl
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
# The folder that the test processes of one run share; whoever comes first makes and removes it.
SHARED = "MIGRATED_FOLDER"


def copied_file(var_folder: Path) -> str:
    """The SQLite database of the site with this VAR_DIR; returns its URL."""
    var_folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{shutil.copy(migrated_file(), var_folder)}"


def copied_database(url: str) -> str:
    """A new database on the server of that URL; returns its own URL."""
    return create_database(url, template=urlsplit(_migrated_database(url)).path.lstrip("/"))


def create_database(url: str, *, template: str = "template1") -> str:
    """A database with a name of its own on the server of that URL; returns its URL."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = f"site_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def drop_database(url: str, name: str) -> None:
    """Remove a database, whoever is still connected to it."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def begin_to_migrate() -> None:
    """Migrate in a process of its own, while the test processes collect their tests."""
    code = "import os; from tests.migrated import migrated; migrated(os.environ.get('DATABASE_URL'))"
    subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)


def migrated(url: str | None) -> object:
    """What is copied for whoever needs a database: one on the server of that URL, or a file of SQLite."""
    return _migrated_database(url) if url else migrated_file()


def migrated_file() -> Path:
    """An SQLite file with all tables, to be copied."""
    with _alone("sqlite") as folder:
        file = folder / "studio.sqlite3"
        if not file.exists():
            _migrate(VAR_DIR=str(folder / "var"))
            shutil.move(folder / "var" / "studio.sqlite3", file)
    return file


@functools.cache
def _migrated_database(url: str) -> str:
    server = urlsplit(url)
    with _alone(f"{server.hostname}-{server.port}") as folder:
        note = folder / "url"
        if not note.exists():
            made = create_database(url)
            _migrate(DATABASE_URL=made)
            note.write_text(made)
        return note.read_text()


@contextmanager
def _alone(name: str) -> Iterator[Path]:
    """A shared folder, held by one process of the run at a time."""
    folder = shared_folder() / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@contextmanager
def after_the_first(name: str) -> Iterator[None]:
    """Whichever process of the run comes first is alone in here; the others come in together when it is through."""
    done = shared_folder() / f"{name}.done"
    with (shared_folder() / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_SH)
        if done.exists():
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield
        done.touch()


def shared_folder() -> Path:
    """Where the processes of this run keep what they share; removed with the process that asked first."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="migrated-")
        atexit.register(shutil.rmtree, os.environ[SHARED])
    return Path(os.environ[SHARED])


def _migrate(**environ: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=True)
