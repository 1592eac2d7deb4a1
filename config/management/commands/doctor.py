"""Say what works on this machine, what does not, and what to do about it."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from celery.exceptions import OperationalError as BrokerUnreachable
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

import sandbox
from config.celery import app
from llm.catalog import api_key, load_catalog
from llm.entries import CatalogError
from web.commands import BAD_INPUT, OK, Outcome, StudioCommand

Finding = tuple[bool, str]


class Command(StudioCommand):
    help = "Check database, migrations, broker, models file, sandbox and extras."
    example = "manage.py doctor"
    requires_system_checks = "__all__"

    def carry_out(self, **options: Any) -> Outcome:
        findings = {name: check() for name, check in CHECKS.items()}
        lines = [f"{'ok ' if fine else 'BAD'}  {name:<11} {text}" for name, (fine, text) in findings.items()]
        result = {name: {"ok": fine, "text": text} for name, (fine, text) in findings.items()}
        healthy = all(fine for fine, _ in findings.values())
        return Outcome(result=result, lines=lines, exit_code=OK if healthy else BAD_INPUT)


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return False, f"{connection.vendor} does not answer: {error}; check DATABASE_URL"
    return True, f"{connection.vendor} answers"


def _migrations() -> Finding:
    try:
        call_command("migrate", check_unapplied=True, verbosity=0)
    except (SystemExit, CommandError, DatabaseError):
        return False, "some are not applied; run: manage.py migrate"
    return True, "all applied"


def _broker() -> Finding:
    if not settings.REDIS_URL:
        return True, "folders on this machine (embedded set-up)"
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (BrokerUnreachable, OSError) as error:
        return False, f"{settings.REDIS_URL} does not answer: {error}; start Redis or unset REDIS_URL"
    return True, "Redis answers"


def _models() -> Finding:
    try:
        catalog = load_catalog(settings.MODELS_FILE)
        for model in catalog.roles.values():
            api_key(model.endpoint, os.environ)
    except CatalogError as error:
        return False, str(error)
    scripted = any(model.endpoint.scripted for model in catalog.roles.values())
    return (
        True,
        f"{len(catalog.models)} models, {len(catalog.roles)} roles{'; scripted demo model' if scripted else ''}",
    )


def _sandbox() -> Finding:
    probe = sandbox.probe()
    return probe.backend is not None, probe.line


def _embeddings() -> Finding:
    if find_spec("sentence_transformers") is None:
        return True, "not installed; packing needs them: pip install -e .[embeddings]"
    return True, "installed"


CHECKS: dict[str, Callable[[], Finding]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "models": _models,
    "sandbox": _sandbox,
    "embeddings": _embeddings,
}
