"""List, show, pause, resume, cancel and retry runs."""

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count

from accounts.models import Door
from runs.controlling import CONTROLS, NotNow
from runs.models import ItemState, Run
from web.commands import BadInput, Outcome, StudioCommand

LISTED = 50


class Command(StudioCommand):
    help = "List runs, show one, or change what one does."
    example = "manage.py runs pause 12"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["list", "show", *CONTROLS])
        parser.add_argument("run", type=int, nargs="?", help="number of the run")

    def carry_out(self, **options: Any) -> Outcome:
        if options["verb"] == "list":
            runs = list(Run.objects.all()[:LISTED])
            lines = [_line(run) for run in runs] or ["there is no run yet; start one with: manage.py score"]
            return Outcome(result={"runs": [_row(run) for run in runs]}, lines=lines)
        run = _run(options["run"], options["verb"])
        result: dict[str, Any] = {}
        if options["verb"] != "show":
            result = _controlled(run, options["verb"])
        lines = [_line(run), *_error_lines(run)]
        if result.get("retried") == 0:
            lines.append("no item of this run has failed; there was nothing to retry")
        return Outcome(result=_row(run) | result | {"errors": _errors(run)}, lines=lines)


def _controlled(run: Run, verb: str) -> dict[str, Any]:
    try:
        count = CONTROLS[verb](run, by=None, door=Door.COMMAND)
    except NotNow as error:
        raise BadInput(str(error)) from error
    return {} if count is None else {"retried": count}


def _run(number: int | None, verb: str) -> Run:
    if number is None:
        raise BadInput(f"which run? write its number: manage.py runs {verb} 12 (manage.py runs list shows them)")
    run = Run.objects.filter(pk=number).first()
    if run is None:
        raise BadInput(f"there is no run {number}; manage.py runs list shows them")
    return run


def _row(run: Run) -> dict[str, Any]:
    return {
        "run": run.pk,
        "kind": run.kind,
        "title": run.title,
        "state": run.state,
        "note": run.note,
        "items": run.items_total,
        "done": run.items_done,
        "failed": run.items_failed,
        "skipped": run.items_skipped,
        "calls": run.calls,
        "ledger_hits": run.ledger_hits,
        "spent": f"{run.spent:f}",
    }


def _line(run: Run) -> str:
    ended = f"{run.items_done + run.items_failed + run.items_skipped}/{run.items_total}"
    note = f" — {run.note}" if run.note else ""
    return f"{run.pk:>5}  {run.get_state_display():<12} {ended:>15}  {run.spent:>12.4f} USD  {run.title}{note}"


def _errors(run: Run) -> list[dict[str, Any]]:
    failed = run.items.filter(state__in=[ItemState.FAILED, ItemState.SKIPPED])
    kinds = failed.values("state", "error_class").annotate(count=Count("pk")).order_by("-count")
    return [
        dict(kind) | {"example": failed.filter(error_class=kind["error_class"], state=kind["state"])[0].error}
        for kind in kinds
    ]


def _error_lines(run: Run) -> list[str]:
    return [
        f"       {kind['count']} {kind['state']}: {kind['error_class']}, e.g. {kind['example']}"
        for kind in _errors(run)
    ]
