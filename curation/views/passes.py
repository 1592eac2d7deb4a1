"""Passes over the pool on pages: what starting, watching and cancelling share, whatever the pass is for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from curation.contamination.checking import NoBenchmark
from curation.models import ContaminationPass, DuplicatePass, LanguagePass, PoolPass
from curation.pool_passes import AtWork, NotOpen, cancel, not_handed_over
from runs.handing import NobodyThere, hand_over
from web.notices import tell_done, tell_refused

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of pass: its table and task, the addresses around it, and its words."""

    model: type[PoolPass]
    task: str
    page: str
    watch: str
    cancel: str
    heading: str
    noun: str
    none: str
    # What it counts, and how the column is called.
    counts: dict[str, str]


SORTS = {
    "contamination": Sort(
        ContaminationPass,
        task="curation.tasks.check",
        page="curation:contamination",
        watch="curation:contamination_passes",
        cancel="curation:cancel_check",
        heading="Checks",
        noun="check",
        none="None so far. A check reads every query once and suspects the queries nearest to each task.",
        counts={"checked": "Read", "set_aside": "Set aside", "suspect": "Suspected"},
    ),
    "duplicates": Sort(
        DuplicatePass,
        task="curation.tasks.find_duplicates",
        page="curation:clusters",
        watch="curation:duplicate_passes",
        cancel="curation:cancel_search",
        heading="Searches",
        noun="search",
        none="None so far. A search compares all queries in play; nothing is deleted, and it can be undone.",
        counts={"checked": "Read", "duplicates": "Merged", "variants": "Variants", "paraphrases": "Paraphrases"},
    ),
    "languages": Sort(
        LanguagePass,
        task="curation.tasks.find_languages",
        page="curation:languages",
        watch="curation:language_passes",
        cancel="curation:cancel_languages",
        heading="Searches",
        noun="search",
        none="None so far. A search looks at each query once; a stated language is left alone, and it can be undone.",
        counts={"checked": "Looked at", "told": "Found by code"},
    ),
}


def passes_shown(sort: str) -> dict[str, Any]:
    """What `_passes.html` needs, apart from the role."""
    shown = SORTS[sort]
    passes = list(shown.model._default_manager.select_related("by", "action")[:SHOWN])
    rows = [(one, [(words, one.found.get(name)) for name, words in shown.counts.items()]) for one in passes]
    return {"sort": shown, "passes": rows, "is_at_work": any(one.is_open for one in passes)}


@needs(Role.REVIEWER)
@require_GET
def list_passes(request: HttpRequest, sort: str) -> HttpResponse:
    """The passes so far, for a page that waits for one."""
    return render(request, "curation/_passes.html", passes_shown(sort))


@needs(Role.CURATOR)
@require_POST
def cancel_pass(request: HttpRequest, pk: int, sort: str) -> HttpResponse:
    """Ask a pass to end."""
    shown = SORTS[sort]
    try:
        cancel(get_object_or_404(shown.model, pk=pk), by=cast(User, request.user))
        tell_done(request, f"The {shown.noun} ends at its next step. What it has written stays and can be undone.")
    except NotOpen as reason:
        tell_refused(request, f"Not cancelled: {reason}.")
    return redirect(shown.page)


def start_pass(request: HttpRequest, sort: str, ask: Callable[[User], PoolPass]) -> HttpResponse:
    """Note a pass and hand it to the worker for jobs."""
    shown = SORTS[sort]
    try:
        asked = ask(cast(User, request.user))
        _hand_over(asked, shown.task)
        tell_done(request, f"The {shown.noun} was handed to the worker for jobs.")
    except (AtWork, NoBenchmark, NobodyThere) as reason:
        tell_refused(request, f"Not started: {reason}.")
    return redirect(shown.page)


def _hand_over(asked: PoolPass, task: str) -> None:
    try:
        hand_over(task, asked.pk)
    except NobodyThere as reason:
        not_handed_over(asked, reason)
        raise
