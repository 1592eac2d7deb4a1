"""What `score` and `build` share on the command line: their options, the quote, starting, waiting, the result."""

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from tqdm import tqdm

from accounts.models import Door
from llm.catalog import Catalog, Model, api_key, load_catalog
from llm.entries import CatalogError
from llm.preflight import unreachable
from runs import controlling
from runs.executing import SandboxFailed
from runs.kinds import Kind, kind_named, models_asked
from runs.models import Run, RunState
from runs.pricing import Quote, quote
from runs.starting import NotStarted, start_run, unfinished
from runs.waiting import work_until_it_stops
from web.commands import NOT_FINISHED, OK, BadInput, NotReady, Outcome, StudioCommand
from web.counts import counted

MOST_USD = 1_000_000_000  # what the column of a budget holds


def add_run_arguments(parser: CommandParser, *, amount: str = "--limit", help_text: str = "at most N queries") -> None:
    """The options of every command that starts a run."""
    parser.add_argument(amount, type=_positive, metavar="N", help=help_text)
    parser.add_argument("--budget", type=_money, metavar="USD", help="stop before more than this is spent")
    parser.add_argument(
        "--draw", type=_not_negative, default=0, metavar="N", help="another draw where the model is sampled"
    )
    parser.add_argument("--dry-run", action="store_true", help="show items, calls, tokens and cost; change nothing")
    parser.add_argument("--wait", action="store_true", help="do the work in this process and wait for its end")
    parser.add_argument(
        "--model", action="append", default=[], metavar="ROLE=NAME", help="another model of the models file for a role"
    )


def chosen_roles(options: Mapping[str, Any]) -> dict[str, str]:
    """`--model scorer=qwen` as {role: model}; BadInput when it reads otherwise."""
    chosen: dict[str, str] = {}
    for text in options["model"]:
        role, equals, slug = text.partition("=")
        if not equals or not role or not slug:
            raise BadInput(f"--model {text}: write ROLE=NAME, for example --model scorer=qwen")
        chosen[role] = slug
    return chosen


def catalog_for(roles: Mapping[str, str]) -> Catalog:
    """The models file with the command's overrides; BadInput names file, entry and remedy."""
    try:
        return load_catalog(settings.MODELS_FILE).with_overrides(roles)
    except CatalogError as error:
        raise BadInput(str(error)) from error


def carry_out_run(
    command: StudioCommand, kind_name: str, title: str, parameters: Mapping[str, Any], options: Mapping[str, Any]
) -> Outcome:
    """Quote, start or go on with a run of this kind, as the options ask; wait for its end under --wait."""
    kind = kind_named(kind_name)
    roles = chosen_roles(options)
    catalog = catalog_for(roles)
    complete = {**parameters, "roles": roles, "draw": options["draw"]}
    _check_asked(lambda: models_asked(kind, complete, catalog), ask_now=options["wait"] and not options["dry_run"])
    try:
        if options["dry_run"]:
            return _quoted(command, kind, complete, catalog)
        run = _started(command, kind, title, complete, options)
    except SandboxFailed as failure:
        raise NotReady(f"{failure}. Nothing was sent; give the command again when it answers") from failure
    if options["wait"]:
        run = _waited_for(command, run)
    return _outcome(run, waited=options["wait"])


def check_models(catalog: Catalog, roles: Sequence[str], *, ask_now: bool) -> None:
    """Refuse early, with file, entry and remedy: no model for a role; when it is asked now, no key or no answer."""
    _check_asked(lambda: map(catalog.model_for, roles), ask_now=ask_now)


def _check_asked(named: Callable[[], Iterable[Model]], *, ask_now: bool) -> None:
    try:
        endpoints = {model.endpoint.name: model.endpoint for model in named()}
        keys = {name: api_key(endpoint, os.environ) for name, endpoint in endpoints.items() if ask_now}
    except CatalogError as error:
        raise BadInput(str(error)) from error
    for name, key in keys.items():
        if problem := unreachable(endpoints[name], key=key):
            raise NotReady(f"{problem}. Nothing was sent")


def _quoted(command: StudioCommand, kind: Kind, parameters: Mapping[str, Any], catalog: Catalog) -> Outcome:
    plan = kind.plan(Run(kind=kind.name, parameters=dict(parameters)))
    bar = _Bar(command, "pricing")
    price = quote(kind, plan, catalog, draw=int(parameters["draw"]), progress=lambda done: bar.show(done, None))
    bar.close()
    return Outcome(result={"dry_run": True} | price.figures(), lines=_quote_lines(price))


def _quote_lines(price: Quote) -> list[str]:
    lines = [
        f"{counted(price.items, 'item')}; about {counted(round(price.calls), 'call')} to make, "
        f"{counted(price.ledger_hits, 'answer')} already paid for",
        f"about {price.tokens} tokens, {price.cost:.4f} USD; nothing was sent",
    ]
    if price.unpriced:
        lines.append(f"no price known for {', '.join(sorted(price.unpriced))}: the cost leaves them out")
    return lines


def _started(
    command: StudioCommand, kind: Kind, title: str, parameters: Mapping[str, Any], options: Mapping[str, Any]
) -> Run:
    run = unfinished(kind.name, parameters)
    if run is not None:
        command.stdout.write(f"going on with run {run.pk}, which has {counted(run.items_open, 'item')} left")
        _go_on(run, options["budget"])
        return run
    bar = _Bar(command, "planning")
    try:
        return start_run(
            kind.name,
            by=None,
            title=title,
            parameters=parameters,
            budget=options["budget"],
            progress=lambda planned: bar.show(planned, None),
        )
    except NotStarted as reason:
        raise NotReady(str(reason)) from None
    finally:
        bar.close()


def _go_on(run: Run, budget: Decimal | None) -> None:
    try:
        if budget is not None:
            controlling.set_budget(run, budget, by=None, door=Door.COMMAND)
        if run.state in (RunState.PAUSED, RunState.PAUSING, RunState.OVER_BUDGET):
            controlling.resume(run, by=None, door=Door.COMMAND)
    except controlling.NotNow as error:
        raise BadInput(f"{error}; give the command again") from error


def _waited_for(command: StudioCommand, run: Run) -> Run:
    bar = _Bar(command, run.kind)
    try:
        return work_until_it_stops(run, report=lambda now: bar.show(now.items_total - now.items_open, now.items_total))
    finally:
        bar.close()


def _outcome(run: Run, *, waited: bool) -> Outcome:
    result = {
        "run": run.pk,
        "state": run.state,
        "items": run.items_total,
        "done": run.items_done,
        "failed": run.items_failed,
        "skipped": run.items_skipped,
        "calls": run.calls,
        "ledger_hits": run.ledger_hits,
        "spent": f"{run.spent:f}",
        "note": run.note,
    }
    planned = {
        name.removeprefix("planned_"): value for name, value in run.parameters.items() if name.startswith("planned_")
    }
    line = (
        f"run {run.pk} {run.get_state_display()}: {run.items_done:,} of {counted(run.items_total, 'item')} done, "
        f"{run.items_failed} failed, {run.items_skipped} skipped; {counted(run.calls, 'call')}, {run.spent:.4f} USD"
    )
    lines = [line, run.note] if run.note else [line]
    if not waited and run.items_total and run.state == RunState.QUEUED:
        lines.append("a worker takes it up (manage.py up), or do it here: manage.py work --until-idle")
    finished = run.state == RunState.DONE and not run.items_failed
    return Outcome(result=result | planned, lines=lines, exit_code=OK if finished or not waited else NOT_FINISHED)


class _Bar:
    """A bar on a terminal, otherwise a line at every tenth."""

    def __init__(self, command: StudioCommand, what: str) -> None:
        self.command, self.what, self.tenth = command, what, 0
        self.bar = tqdm(desc=what, unit="", file=sys.stderr, leave=False) if sys.stderr.isatty() else None

    def show(self, done: int, total: int | None) -> None:
        if self.bar is not None:
            self.bar.total = total
            self.bar.n = done
            self.bar.refresh()
        elif total and done * 10 // total > self.tenth:
            self.tenth = done * 10 // total
            self.command.stderr.write(f"{self.what}: {done} of {total}")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is not an amount in US dollars, for example 25.00") from None
    if not amount.is_finite() or not 0 <= amount < MOST_USD:
        raise ArgumentTypeError(f"{text!r} is not an amount between 0 and {MOST_USD}")
    return amount
