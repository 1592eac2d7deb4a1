"""The judges: a template version asked of a model with its sampling; which of them count, and to change that."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Action, Door, User
from accounts.roles import Role, needs
from curation.models import Judge, Score
from curation.scores.judges import ANCHOR, leave_out, let_count
from runs.scripted import scripted_models
from web.counts import counts_by
from web.notices import tell_done, tell_refused


@needs(Role.REVIEWER)
@require_GET
def list_judges(request: HttpRequest) -> HttpResponse:
    """All judges, those that count first, those of the lab last."""
    scores = counts_by(Score.objects.all(), "judge_id")
    judges = Judge.objects.select_related("template").order_by("-counts", "lab", "template__name", "pk")
    rows = [(judge, scores.get(judge.pk, 0)) for judge in judges]
    context = {
        "own": [row for row in rows if not row[0].lab],
        "of_lab": [row for row in rows if row[0].lab],
        "anchor": ANCHOR,
        "scripted": sorted(scripted_models() & {judge.model for judge in judges}),
    }
    return render(request, "curation/judges.html", context)


@needs(Role.CURATOR)
@require_POST
def choose_judge(request: HttpRequest, pk: int, counts: bool) -> HttpResponse:
    """Let a judge count, in the place of another of its template; or no longer."""
    judge, by = get_object_or_404(Judge.objects.select_related("template"), pk=pk), cast(User, request.user)
    if judge.lab:
        tell_refused(request, f"{judge} is an arm of the rubric lab and never counts.")
        return redirect("curation:judges")
    if counts:
        action = None
        if not judge.counts:
            let_count([judge], instead=True, by=by, door=Door.PAGE)
            action = Action.objects.filter(verb="choose judges", by=by).order_by("-pk").first()
        words = f"{judge} counts now."
    else:
        action = leave_out(judge, by=by, door=Door.PAGE)
        words = f"{judge} counts no longer."
    words += " What was decided stays until the next decision."
    tell_done(request, words, action_id=action.pk if action else None)
    return redirect("curation:judges")
