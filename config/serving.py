"""The programs that make up a running site, and whether they can be started."""

import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from config.processes import Started, start
from llm.catalog import Catalog, Endpoint
from runs.models import Slice

# What Celery says to an administrator's account is well known, and no fault of whoever tries the program.
QUIET = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}


class PortTaken(OSError):
    """Something listens on the port already."""


def check_port(host: str, port: int) -> None:
    """Refuse early when the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise PortTaken(f"{host}:{port} cannot be used ({why}); give another one with --port") from error


def empty_broker_folders() -> None:
    """The embedded broker starts empty: rows with leases are the truth about work, messages only wake workers."""
    if not settings.REDIS_URL:
        shutil.rmtree(settings.BROKER_DIR, ignore_errors=True)
        for name in ("queue", "control"):
            (settings.BROKER_DIR / name).mkdir(parents=True)
        # No message is on its way any more: the sweep may wake every run at once.
        Slice.objects.filter(turn__isnull=False).update(turn=None)


def scripted_endpoint(catalog: Catalog) -> Endpoint | None:
    """The scripted endpoint that some role points at, when it lies on this machine."""
    for model in catalog.roles.values():
        host = urlsplit(model.endpoint.base_url).hostname
        if model.endpoint.scripted and host in ("127.0.0.1", "localhost", "::1"):
            return model.endpoint
    return None


def start_demo_model(programs: list[Started], endpoint: Endpoint) -> None:
    """The demo model server on the port that the models file names."""
    port = urlsplit(endpoint.base_url).port or 8001
    start(programs, "model", [*_manage(), "demo_model", "--port", str(port)])


def start_site(programs: list[Started], host: str, port: int, *, web_workers: int = 2) -> None:
    """Web server, one worker for each queue, and the clock of the sweep."""
    binary = Path(sys.executable).parent
    gunicorn = [
        *(str(binary / "gunicorn"), "config.wsgi", "--bind", f"{host}:{port}", "--workers", str(web_workers)),
        *("--threads", "4", "--log-level", "warning", "--worker-tmp-dir", str(settings.VAR_DIR)),
    ]
    start(programs, "web", gunicorn)
    start(programs, "runs", _celery("worker", "-Q", "runs", "-n", "runs@%h", "--concurrency", "1"), environ=QUIET)
    start(programs, "jobs", _celery("worker", "-Q", "jobs", "-n", "jobs@%h", "--concurrency", "2"), environ=QUIET)
    start(programs, "beat", _celery("beat", "--pidfile", ""))


def _celery(part: str, *options: str) -> Sequence[str]:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat") if part == "worker" else ()
    return [str(Path(sys.executable).parent / "celery"), "-A", "config", "-q", part, "-l", "WARNING", *options, *quiet]


def _manage() -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py")]
