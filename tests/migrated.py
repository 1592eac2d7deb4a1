"""Databases with all tables: migrated once in each process, then copied for whoever needs one."""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent


def copied_file(var_folder: Path) -> str:
    """The SQLite database of the site with this VAR_DIR; returns its URL."""
    var_folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{shutil.copy(Path(_migrated_folder().name) / 'studio.sqlite3', var_folder)}"


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


@functools.cache
def _migrated_folder() -> "tempfile.TemporaryDirectory[str]":
    # Removed when the process ends and nobody refers to it any more.
    folder = tempfile.TemporaryDirectory(prefix="migrated-")
    _migrate(VAR_DIR=folder.name)
    return folder


@functools.cache
def _migrated_database(url: str) -> str:
    made = create_database(url)
    _migrate(DATABASE_URL=made)
    return made


def _migrate(**environ: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=True)
