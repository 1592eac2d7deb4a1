"""What a curator does to a run: pause, resume, cancel, retry, another budget, compact."""

from functools import partial
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from runs import compacting
from runs.controlling import CONTROLS, NotNow, resume, set_budget
from runs.forms import BudgetForm
from runs.handing import COMPACT, NobodyThere, hand_over
from runs.models import Run
from runs.starting import plan_later
from web.notices import tell_done, tell_refused

# A page does not wait until a plan is written.
ON_PAGES = CONTROLS | {"resume": partial(resume, plan=plan_later)}
DONE_WORDS = {
    "pause": "The run pauses; what is in flight is still written.",
    "resume": "The run goes on.",
    "cancel": "The run is cancelled; answers already paid for stay in the ledger.",
    "retry": "The failed items are tried again.",
}


@needs(Role.CURATOR)
@require_POST
def control_run(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Pause, resume, cancel, or retry what failed."""
    if verb not in ON_PAGES:
        raise Http404(f"no verb is called {verb!r}")
    run = get_object_or_404(Run, pk=pk)
    try:
        ON_PAGES[verb](run, by=cast(User, request.user))
    except (NotNow, NobodyThere) as reason:
        tell_refused(request, f"{reason}.")
    else:
        tell_done(request, DONE_WORDS[verb])
    return redirect(run)


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def change_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a run another budget; one that had stopped for want of it goes on."""
    run = get_object_or_404(Run, pk=pk)
    present = None if run.budget is None else format(run.budget.normalize(), "f")
    form = BudgetForm(request.POST or None, initial={"budget": present})
    if request.method == "POST" and (form := BudgetForm(request.POST)).is_valid():
        set_budget(run, form.cleaned_data["budget"], by=cast(User, request.user))
        tell_done(request, "Budget changed.")
        return redirect(run)
    return render(request, "runs/budget.html", {"run": run, "form": form}, status=422 if form.errors else 200)


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def compact_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what compacting would drop; once confirmed, let the worker for jobs drop it."""
    run = get_object_or_404(Run, pk=pk)
    if request.method == "GET":
        context = {"run": run, "would_go": compacting.what_would_go(run), "may": run.state in compacting.ENDED}
        return render(request, "runs/compact.html", context)
    try:
        action = compacting.ask(run, by=cast(User, request.user))
        hand_over(COMPACT, run.pk, action.pk)
    except NobodyThere as reason:
        compacting.forget(run)
        tell_refused(request, f"{reason}.")
    except NotNow as reason:
        tell_refused(request, f"{reason}.")
    else:
        tell_done(request, "The worker for jobs drops what the run no longer needs.")
    return redirect(run)
