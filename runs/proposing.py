"""Before a run starts: what it would do and cost, worked out where nobody waits for a page; then its start."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.actions import record
from accounts.models import User
from llm.catalog import CatalogError, Model, api_key, load_catalog
from llm.preflight import unreachable
from runs.handing import PRICE, NobodyThere, hand_over
from runs.kinds import Kind, kind_named, models_asked
from runs.models import Proposal, Run
from runs.pricing import Quote, quote_by_sample
from runs.starting import NotStarted, make_run, plan_later, unfinished

TELL_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a room's form asks for: the parameters of the plan, but for roles and draw, which all forms have."""

    kind: Kind
    title: str
    parameters: Mapping[str, Any]


def propose(
    wanted: Wanted, *, by: User, roles: Mapping[str, str], draw: int, budget: Decimal | None = None, asked: str = ""
) -> Proposal:
    """Note what someone wants to run. `asked`: the form as an address would carry it."""
    parameters = {**wanted.parameters, "roles": dict(roles), "draw": draw}
    columns = {"title": wanted.title, "parameters": parameters, "budget": budget, "asked": asked}
    return Proposal.objects.create(kind=wanted.kind.name, by=by, **columns)


def price_later(proposal: Proposal) -> None:
    """Have it priced, by the ledger and the prices of then; where nobody can hear of it, the proposal says so."""
    here = Proposal.objects.filter(pk=proposal.pk)
    here.update(priced_at=None, error="", figures={}, asked_at=timezone.now())
    try:
        hand_over(PRICE, proposal.pk)
    except NobodyThere as reason:
        here.update(error=str(reason))


def price(proposal: Proposal) -> None:
    """Work out the quote, showing on the way how far it is. Nothing is sent and no item is written."""
    here = Proposal.objects.filter(pk=proposal.pk)
    kind, told_at = kind_named(proposal.kind), 0.0

    def tell(items: int) -> None:
        nonlocal told_at
        if (now := time.time()) >= told_at + TELL_EVERY_S:
            told_at = now
            here.update(figures={"items_so_far": items, "told_at": now})

    imagined = Run(kind=kind.name, parameters=dict(proposal.parameters))
    tell(0)
    try:
        catalog = load_catalog(settings.MODELS_FILE).with_overrides(proposal.parameters.get("roles", {}))
        draw = int(proposal.parameters.get("draw", 0))
        quote = quote_by_sample(kind, kind.plan(imagined), catalog, draw=draw, progress=tell)
        figures = _figures(quote, imagined) | {"problems": _problems(models_asked(kind, proposal.parameters, catalog))}
    except Exception as error:
        here.update(error=str(error) or type(error).__name__)
        raise
    here.update(figures=figures, priced_at=timezone.now(), error="")


def start(proposal: Proposal, *, by: User) -> Run:
    """Start what was proposed, once; the worker for jobs plans it. NotStarted when it may not begin now."""
    kind = kind_named(proposal.kind)
    with transaction.atomic():
        proposal = Proposal.objects.select_for_update(of=("self",)).select_related("run").get(pk=proposal.pk)
        if proposal.run is not None:
            return proposal.run
        if same := unfinished(kind.name, proposal.parameters):
            raise NotStarted(f"run {same.pk} was asked for in the same words and has items left; go on with that one")
        columns = {"title": proposal.title, "parameters": proposal.parameters, "budget": proposal.budget}
        run = make_run(kind, by=by, **columns)
        Proposal.objects.filter(pk=proposal.pk).update(run=run)
        kind.begin(run, by)
        record("start run", [], by=by, note=str(run))
        plan_later(run)
    return run


def _figures(quote: Quote, imagined: Run) -> dict[str, Any]:
    """The quote, and what planning found out besides (parameters whose names begin with `planned_`)."""
    found = {name: value for name, value in imagined.parameters.items() if name.startswith("planned_")}
    return quote.figures() | {"priced_items": quote.priced_items, "found": found}


def _problems(models: Sequence[Model]) -> list[str]:
    """Why the models could not be asked if the run started now, by this machine's word; one line each."""
    problems = []
    for endpoint in {model.endpoint.name: model.endpoint for model in models}.values():
        try:
            problem = unreachable(endpoint, key=api_key(endpoint, os.environ))
        except CatalogError as error:
            problem = str(error)
        problems += [problem] if problem else []
    return problems
