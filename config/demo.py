"""The demo: the whole way on the project's own sample data, each step the very command a person would give."""

import io
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts.models import Door, User
from accounts.people import make_person
from curation.models import ImportBatch, Query
from dialogues.models import Dialogue, Export, Method, State
from dialogues.reviewing import approve_many
from runs.models import Run, RunState

SAMPLES = settings.BASE_DIR / "sample_data"
QUERY_FILES = {
    "oss_instruct.jsonl": "oss-instruct",
    "evol_instruct.jsonl": "evol-instruct",
    "evol_code.json": "evol-code",
    "python_sharegpt.json": "python-sharegpt",
    "broken.jsonl": "broken-sample",
}
DIALOGUE_FILES = {"dialogues.jsonl": "dialogue-sample"}
PEOPLE = {"reviewer": "reviewer", "curator": "curator", "administrator": "administrator"}
SCRIPT = "demo-script"
LEFT_FOR_PEOPLE = 5

Say = Callable[[str], None]


class DemoFailed(RuntimeError):
    """A step of the demo did not come to its end."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is said before it, whether it was done in an earlier run, and how it is done."""

    title: str
    done: Callable[[], bool]
    carry_out: Callable[[Say], None]


def people() -> list[str]:
    """The three people of the demo and the script's own user; a line each, with the password of those made now."""
    lines = []
    for name, role in PEOPLE.items():
        password = secrets.token_urlsafe(12)
        user, made = make_person(name, role=role, password=password)
        if made and role == "administrator":
            user.is_staff = user.is_superuser = True
            user.save(update_fields=["is_staff", "is_superuser"])
        known = f"stands already; a new way in: manage.py createreviewer {name}"
        lines.append(f"  {name:<14} {password if made else known}")
    _script_user()
    return lines


def steps(*, export_to: Path, packing: bool) -> list[Step]:
    """The steps in their order, with or without packing."""
    pack = Step("pack related queries", lambda: _finished("packing"), _command("build", "packing", wait=True))
    return [
        Step("import the sample queries and dialogues", _all_imported, _import_all),
        Step(
            "mark near-duplicates",
            lambda: Query.objects.filter(duplicate_of__isnull=False).exists(),
            # By form alone: the demo is the same with and without the extra `dedup`.
            _command("find_duplicates", compare_by="form"),
        ),
        Step("score every query with both templates", lambda: _finished("scoring"), _command("score", wait=True)),
        Step("decide what to keep", lambda: Query.objects.exclude(decision="none").exists(), _command("decide")),
        *([pack] if packing else []),
        Step("simulate interactions", lambda: _finished("simulation"), _command("build", "simulation", wait=True)),
        Step("approve what ran clean and carries no flag", _approved_before, _approve),
        Step(
            "export what is approved",
            lambda: export_to.exists() and _exported(export_to),
            _command("export", str(export_to)),
        ),
    ]


def start_over() -> None:
    """Forget everything the demo made (embedded set-up only)."""
    if connection.vendor != "sqlite":
        raise DemoFailed(
            "--reset only clears the SQLite database of this folder; drop and create your database yourself"
        )
    name = str(connection.settings_dict["NAME"])
    connection.close()
    for suffix in ("", "-wal", "-shm"):
        Path(name + suffix).unlink(missing_ok=True)


def left_for_people() -> dict[str, int]:
    """What waits in the two queues."""
    return {
        "disputes": Query.objects.awaiting_audit().count(),
        "dialogues": Dialogue.objects.awaiting_review().count(),
    }


def _import_all(say: Say) -> None:
    for command, files in (("import_queries", QUERY_FILES), ("import_dialogues", DIALOGUE_FILES)):
        for file_name, source in files.items():
            if not _imported(file_name):
                _run(command, [str(SAMPLES / file_name)], {"source": source}, say)


def _all_imported() -> bool:
    return all(_imported(file_name) for file_name in (*QUERY_FILES, *DIALOGUE_FILES))


def _imported(file_name: str) -> bool:
    return ImportBatch.objects.filter(file_name=file_name, state=ImportBatch.State.DONE).exists()


def _finished(kind: str) -> bool:
    return Run.objects.filter(kind=kind, state=RunState.DONE).exists()


def embeddings_installed() -> bool:
    """Whether packing can be done."""
    return find_spec("sentence_transformers") is not None


def _approved_before() -> bool:
    return Dialogue.objects.filter(reviews__by__username=SCRIPT).exists()


def _exported(path: Path) -> bool:
    return Export.objects.filter(file_name=path.name, state=Export.State.DONE).exists()


def _approve(say: Say) -> None:
    """Approve in the script's own name all but a few: feedback turns are what people are there for."""
    clean = Dialogue.objects.awaiting_review().filter(method=Method.SIMULATION, last_run_clean=True, flags=[])
    ids = list(clean.order_by("pk").values_list("pk", flat=True))[:-LEFT_FOR_PEOPLE]
    approve_many(
        ids, by=_script_user(), door=Door.COMMAND, note="last run clean, no flag; approved by the demo, unread"
    )
    approved = Dialogue.objects.filter(pk__in=ids, state=State.APPROVED).count()
    say(f"  {approved} dialogues approved in the name of {SCRIPT}; {LEFT_FOR_PEOPLE} like them are left for people")


def _script_user() -> User:
    user, made = User.objects.get_or_create(username=SCRIPT, defaults={"is_script": True})
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _command(name: str, *arguments: str, **options: Any) -> Callable[[Say], None]:
    """A step that is one command, shown as a person would type it."""
    return partial(_run, name, arguments, options)


def _run(name: str, arguments: Sequence[str], options: Mapping[str, Any], say: Say) -> None:
    flags = [f"--{option}" if value is True else f"--{option} {value}" for option, value in options.items()]
    shown = " ".join([name, *arguments, *flags]).replace(f"{settings.BASE_DIR}/", "")
    say(f"  $ manage.py {shown}")
    output = io.StringIO()
    try:
        call_command(name, *arguments, stdout=output, **options)
    except SystemExit as ended:
        raise DemoFailed(f"{name} ended with status {ended.code}:\n{output.getvalue()}") from ended
    for line in output.getvalue().splitlines():
        say(f"  {line}")
