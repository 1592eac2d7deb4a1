"""List, show, pause, resume, cancel, retry and compact runs."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from runs import compacting
from runs.controlling import CONTROLS, NotNow
from runs.models import Run
from runs.showing import groups_of, models_of, totals_of, workers_of
from web.commands import BadInput, Outcome, StudioCommand

LISTED = 50


class Command(StudioCommand):
    help = "List runs, show one, or change what one does."
    example = "manage.py runs pause 12"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["list", "show", *CONTROLS, "compact"])
        parser.add_argument("run", type=int, nargs="?", help="number of the run")
        parser.add_argument(
            "--dry-run", action="store_true", help="compact: say what would be dropped for good, and drop nothing"
        )

    def carry_out(self, **options: Any) -> Outcome:
        verb = options["verb"]
        if options["dry_run"] and verb != "compact":
            raise BadInput(f"--dry-run belongs to compact, not to {verb}")
        if verb == "list":
            runs = list(Run.objects.all()[:LISTED])
            lines = [_line(run) for run in runs] or ["there is no run yet; start one with: manage.py score"]
            return Outcome(result={"runs": [_row(run) for run in runs]}, lines=lines)
        run = _run(options["run"], verb)
        if verb == "compact":
            return self._compact(run, dry_run=options["dry_run"])
        result = {} if verb == "show" else _controlled(run, verb)
        lines = [_line(run), *_detail_lines(run), *_error_lines(run)]
        if result.get("retried") == 0:
            lines.append("no item of this run has failed; there was nothing to retry")
        return Outcome(result=_row(run) | _details(run) | result | {"errors": _errors(run)}, lines=lines)

    def _compact(self, run: Run, *, dry_run: bool) -> Outcome:
        if dry_run:
            would_go = compacting.what_would_go(run)
            return Outcome(
                result=_row(run) | {"dry_run": True} | _dropped(would_go),
                lines=[f"about {would_go} would be dropped; {compacting.NO_WAY_BACK}"],
            )
        action = _unless_not_now(lambda: compacting.ask(run, by=None, door=Door.COMMAND))
        dropped = compacting.compact(run, action=action, progress=self._told)
        lines = [f"{dropped} dropped; replies, scores and costs stay. The database uses the room for what comes next"]
        return Outcome(result=_row(run) | _dropped(dropped), lines=lines)

    def _told(self, done: int, total: int) -> None:
        # A line at every tenth, the last block included.
        if done == total or done * 10 // total > (done - compacting.BLOCK) * 10 // total:
            self.stderr.write(f"compacting: {done} of {total} rows")


def _unless_not_now(verb: Callable[[], Any]) -> Any:
    try:
        return verb()
    except NotNow as error:
        raise BadInput(str(error)) from error


def _controlled(run: Run, verb: str) -> dict[str, Any]:
    count = _unless_not_now(lambda: CONTROLS[verb](run, by=None, door=Door.COMMAND))
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
        "calls_failed": run.calls_failed,
        "calls_lost": run.calls_lost,
        "ledger_hits": run.ledger_hits,
        "spent": f"{run.spent:f}",
        "budget": None if run.budget is None else f"{run.budget:f}",
    }


def _details(run: Run) -> dict[str, Any]:
    totals = totals_of(run)
    return {
        "prompt_tokens": totals["prompt"],
        "completion_tokens": totals["completion"],
        "latency_s": totals["latency_s"],
        "cost_per_result": f"{run.spent / run.items_done:f}" if run.items_done else None,
        "unpriced": [model.slug for model in models_of(run) if model.input_usd_per_million is None],
        "workers": [f"{worker.host}:{worker.process}" for worker in workers_of(run)],
    }


def _dropped(dropped: compacting.Dropped) -> dict[str, int]:
    return {
        "requests": dropped.requests.rows,
        "request_bytes": dropped.requests.bytes,
        "payloads": dropped.payloads.rows,
        "payload_bytes": dropped.payloads.bytes,
    }


def _line(run: Run) -> str:
    ended = f"{run.items_ended}/{run.items_total}"
    budget = "" if run.budget is None else f" of {run.budget:.4f}"
    note = f" — {run.note}" if run.note else ""
    return f"{run.pk:>5}  {run.get_state_display():<12} {ended:>15}  {run.spent:>12.4f}{budget} USD  {run.title}{note}"


def _detail_lines(run: Run) -> list[str]:
    details = _details(run)
    lines = [
        f"       {run.calls} calls answered, {run.calls_failed} attempts failed, {run.calls_lost} lost in flight, "
        f"{run.ledger_hits} answers from the ledger",
        f"       {details['prompt_tokens']} tokens in, {details['completion_tokens']} out",
    ]
    if details["unpriced"]:
        lines.append(f"       no price known for {', '.join(details['unpriced'])}: its money is not counted")
    if details["workers"]:
        lines.append(f"       at work: {', '.join(details['workers'])}")
    return lines


def _errors(run: Run) -> list[dict[str, Any]]:
    return [
        {"state": group.state, "error_class": group.error_class, "count": group.count, "example": group.example}
        for group in groups_of(run)
    ]


def _error_lines(run: Run) -> list[str]:
    return [f"       {one.count} {one.state}: {one.error_class}, e.g. {one.example}" for one in groups_of(run)]
