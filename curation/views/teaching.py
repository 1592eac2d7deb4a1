"""What verdicts teach: who was right, what the levels are worth, how well each rule does on the whole pool."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.roles import Role, needs
from curation.audits.double_audits import double_audits, waiting_for_another
from curation.decisions.calibration import LEAST_VERDICTS
from curation.decisions.foreseeing import Ground, ground
from curation.decisions.learning import best_threshold, estimate, strata_of, who_was_right
from curation.decisions.rules import RULES, Rule
from curation.models import AuditSample, WhoWasRight
from curation.scores.judges import names_of
from curation.scores.linking import LEVELS
from curation.views.samples import SampleForm
from web.counts import kept_for_a_while

SHOWN = (3.0, 3.5, 4.0, 4.5)


class PrecisionForm(forms.Form):
    """How much of what is kept should be right."""

    precision = forms.IntegerField(
        min_value=50, max_value=100, initial=90, label="Wanted precision, in per cent", required=False
    )


@needs(Role.REVIEWER)
@require_GET
def show_lessons(request: HttpRequest) -> HttpResponse:
    """Counts of who was right, calibrations, estimates of each rule, and the threshold for a wanted precision."""
    form = PrecisionForm(request.GET if "precision" in request.GET else None)
    wanted = (form.cleaned_data.get("precision") if form.is_valid() else None) or 90
    on: Ground = kept_for_a_while("ground", ground)
    names = names_of(on.judges)
    sampled = sum(1 for lesson in on.learnt if lesson.stratum)
    sample = AuditSample.objects.filter(withdrawn=False).select_related("by").first()
    context = {
        "sample": sample,
        "strata": strata_of(sample),
        "sample_form": SampleForm(),
        "people": kept_for_a_while("double_audits", double_audits),
        "wait_for_another": waiting_for_another(),
        "form": form,
        "wanted": wanted,
        "learnt": len(on.learnt),
        "sampled": sampled,
        "least": LEAST_VERDICTS,
        "who": _answers(names),
        "calibrations": list(zip(names, on.scales.calibrations, strict=True)),
        "levels": list(LEVELS),
        "thresholds": SHOWN,
        "rules": [
            (name, [estimate(Rule(name, threshold), on.learnt, on.judges, on.scales) for threshold in SHOWN])
            for name in RULES
        ]
        if sampled
        else [],
        "best": [(name, best_threshold(name, wanted / 100, on.learnt, on.judges, on.scales)) for name in RULES]
        if sampled
        else [],
    }
    return render(request, "curation/lessons.html", context, status=422 if form.errors else 200)


def _answers(names: list[str]) -> list[tuple[str, int]]:
    counts = who_was_right()
    first, second = (*names, "A", "B")[:2]
    words = {
        WhoWasRight.FIRST: f"A, {first}",
        WhoWasRight.SECOND: f"B, {second}",
        WhoWasRight.BOTH: "both",
        WhoWasRight.NEITHER: "neither",
    }
    return [(words[who], counts[who.value]) for who in WhoWasRight]
