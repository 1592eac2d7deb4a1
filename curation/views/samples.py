"""Ask for a sample of the pool that people audit, so that each rule is known over all of it."""

from random import SystemRandom
from typing import cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.models import Door, User
from accounts.roles import Role, needs
from curation.audits.drawing import DOUBLE, LARGEST_SAMPLE, SMALLEST_SAMPLE, NotDrawn, draw_sample
from web.notices import tell_done, tell_refused

USUAL_SIZE = 300


class SampleForm(forms.Form):
    """How many queries, and how many of a hundred two people judge."""

    size = forms.IntegerField(
        label="Queries to draw", min_value=SMALLEST_SAMPLE, max_value=LARGEST_SAMPLE, initial=USUAL_SIZE
    )
    double = forms.IntegerField(
        label="Judged twice, in per cent", min_value=0, max_value=100, initial=round(100 * DOUBLE)
    )


@needs(Role.CURATOR)
@require_POST
def start_sample(request: HttpRequest) -> HttpResponse:
    """Draw the sample; it comes first in everybody's queue."""
    form = SampleForm(request.POST)
    if not form.is_valid():
        limits = f"from {SMALLEST_SAMPLE} to {LARGEST_SAMPLE:,} queries, of which 0 to 100 per cent are judged twice"
        tell_refused(request, f"Not drawn: choose {limits}.")
        return redirect("curation:lessons")
    try:
        sample, action = draw_sample(
            form.cleaned_data["size"],
            seed=SystemRandom().randrange(2**31),
            by=cast(User, request.user),
            door=Door.PAGE,
            at=timezone.now(),
            double=form.cleaned_data["double"] / 100,
        )
    except NotDrawn as reason:
        tell_refused(request, f"Not drawn: {reason}.")
        return redirect("curation:lessons")
    tell_done(request, f"{sample.size:,} queries drawn; they come first in the audit queue.", action_id=action.pk)
    return redirect("curation:lessons")
