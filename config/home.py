"""The start page: the pipeline as a row of counters, what to do next, and what was done last."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

import sandbox
from accounts.models import Action
from accounts.roles import Role, needs
from curation.audits.auditing import waiting_cells
from curation.models import ImportBatch, QueryCount, Stage
from dialogues.models import Dialogue, Export, State
from llm.catalog import load_catalog
from llm.entries import CatalogError
from runs.models import ACTIVE_STATES, Run
from web.counts import counted, counts_by, kept_for_a_while
from web.kept_counts import summed, total

ACTIONS_SHOWN = 12
ANSWERED = (Stage.SCORED, Stage.UNREADABLE, Stage.KEPT, Stage.DROPPED)


@dataclass(frozen=True, slots=True)
class Counter:
    """One step of the way: how many rows stand there, and the address that lists exactly these."""

    step: str
    count: int
    detail: str
    address: str
    waits: bool = False


@needs(Role.REVIEWER)
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Where everything stands."""
    counters = way()
    counts = {counter.step: counter.count for counter in counters}
    context = {
        "counters": counters,
        "waits": {"disputes": counts["Disputed"], "dialogues": counts["In review"]},
        "next_step": next_step(counts),
        "actions": Action.objects.select_related("by")[:ACTIONS_SHOWN],
        "runs": Run.objects.filter(state__in=ACTIVE_STATES)[:5],
        "sandbox_line": kept_for_a_while("sandbox", lambda: sandbox.probe(settings.SANDBOX).line),
        "models": models_notice(),
    }
    return render(request, "home.html", context)


@needs(Role.ADMINISTRATOR)
@require_GET
def enter_admin(request: HttpRequest) -> HttpResponse:
    """The admin's own login page is not used: strangers log in where everyone does."""
    return redirect("admin:index")


def way() -> list[Counter]:
    """The eight counters, in the order of the data."""
    stages = summed(QueryCount.objects.all(), "stage")
    states = counts_by(Dialogue.objects.all(), "state")
    read, sources = kept_for_a_while("read", _read)
    disputes = total(waiting_cells())
    exported, files = kept_for_a_while("exported", _exported)
    queries, dialogues = reverse("curation:queries"), reverse("dialogues:dialogues")
    unique = sum(count for stage, count in stages.items() if stage != Stage.DUPLICATE)
    return [
        Counter("Read", read, counted(sources, "source"), reverse("curation:lines")),
        Counter("Unique", unique, counted(stages.get(Stage.DUPLICATE, 0), "near-duplicate"), f"{queries}?stage=unique"),
        Counter(
            "Scored",
            sum(stages.get(stage, 0) for stage in ANSWERED),
            f"{stages.get(Stage.UNSCORED, 0):,} unscored",
            f"{queries}?stage=answered",
        ),
        Counter(
            "Kept", stages.get(Stage.KEPT, 0), f"{stages.get(Stage.DROPPED, 0):,} dropped", f"{queries}?stage=kept"
        ),
        Counter("Disputed", disputes, "await an audit", reverse("curation:audit"), waits=disputes > 0),
        Counter(
            "In review",
            states.get(State.IN_REVIEW, 0),
            counted(states.get(State.NEEDS_WORK, 0), "needs work", "need work"),
            f"{dialogues}?state=in_review",
            waits=states.get(State.IN_REVIEW, 0) > 0,
        ),
        Counter(
            "Approved",
            states.get(State.APPROVED, 0),
            f"{states.get(State.REJECTED, 0):,} rejected",
            f"{dialogues}?state=approved",
        ),
        Counter(
            "Exported",
            exported,
            f"in {counted(files, 'file')}",
            f"{dialogues}?exported=yes",
        ),
    ]


def next_step(counts: dict[str, int]) -> tuple[str, str] | None:
    """What the pipeline waits for, and the command that does it; None while people have work."""
    steps = [
        ("Read", "Import queries to begin.", "python manage.py import_queries FILE --source NAME"),
        ("Scored", "Score the imported queries with two templates.", "python manage.py score --wait"),
        ("Kept", "Decide which scored queries are kept.", "python manage.py decide"),
    ]
    for step, words, command in steps:
        if not counts[step]:
            return words, command
    if not counts["In review"] and not counts["Approved"]:
        return "Build dialogues from the queries that were kept.", "python manage.py build simulation --limit 50 --wait"
    if counts["Approved"] and not counts["Exported"]:
        return "Export what was approved.", "python manage.py export approved.jsonl --layout code_feedback"
    return None


def models_notice() -> dict[str, str]:
    """What the models file says of itself: its error, or that some role is played by a scripted model."""
    try:
        catalog = load_catalog(settings.MODELS_FILE)
    except CatalogError as error:
        return {"error": str(error)}
    scripted = [role for role, model in catalog.roles.items() if model.endpoint.scripted]
    return {"scripted": ", ".join(scripted)} if scripted else {}


def _read() -> tuple[int, int]:
    batches = ImportBatch.objects.filter(holds=ImportBatch.Holds.QUERIES)
    return batches.aggregate(read=Sum("read", default=0))["read"], batches.values("source").distinct().count()


def _exported() -> tuple[int, int]:
    """How many dialogues have left in a finished export, and how many files were written."""
    done = Export.objects.filter(state=Export.State.DONE)
    return Dialogue.objects.filter(exported=True).count(), done.count()
