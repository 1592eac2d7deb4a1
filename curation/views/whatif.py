"""What a rule would keep, before it decides; the button that decides, and how far that is."""

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from curation.decisions.foreseeing import Ground, Outlook, ground, outlook
from curation.decisions.learning import estimate
from curation.decisions.rules import CALIBRATED, DEFAULT_RULE, DEFAULT_THRESHOLD, RULES, Rule
from curation.decisions.ruling import ask_for_decision, carry_out, is_small
from curation.models import Decision, RulePass
from curation.pool_passes import AtWork, not_handed_over
from curation.views.score_plots import kept_plot
from runs.handing import NobodyThere, hand_over
from web.counts import counted, kept_for_a_while
from web.notices import tell_done, tell_refused
from web.pages import page_or_part

DECIDE = "curation.tasks.decide_all"
THRESHOLDS = tuple(step / 4 for step in range(4, 21))
SHOWN = tuple(step / 2 for step in range(4, 11))
PASSES_SHOWN = 5


class RuleForm(forms.Form):
    """A rule and its threshold."""

    rule = forms.ChoiceField(choices=[(name, name.replace("_", " ")) for name in RULES], initial=DEFAULT_RULE)
    threshold = forms.DecimalField(min_value=1, max_value=5, decimal_places=2, initial=DEFAULT_THRESHOLD)

    def chosen(self) -> Rule:
        return Rule(self.cleaned_data["rule"], float(self.cleaned_data["threshold"]))


@needs(Role.REVIEWER)
@require_GET
def foresee(request: HttpRequest) -> HttpResponse:
    """Kept counts for each rule and threshold, and what the chosen one would flip."""
    asked = "rule" in request.GET
    form = RuleForm(request.GET) if asked else RuleForm()
    rule = form.chosen() if asked and form.is_valid() else Rule()
    on: Ground = kept_for_a_while("ground", ground)
    foreseen = outlook(rule, on)
    whole = sum(on.patterns.values())
    uncalibrated = None in on.scales.calibrations
    rules = [name for name in RULES if not (name == CALIBRATED and uncalibrated)]
    table = {name: [outlook(Rule(name, threshold), on) for threshold in THRESHOLDS] for name in rules}
    context: dict[str, Any] = {
        "form": form,
        "rule": rule,
        "foreseen": foreseen,
        "whole": whole,
        "flips": _flips(foreseen),
        "estimate": estimate(rule, on.learnt, on.judges, on.scales),
        "thresholds": SHOWN,
        "table": [(name, [one for one in row if one.rule.threshold in SHOWN]) for name, row in table.items()],
        "plot": kept_plot(table, whole),
        "outdated": on.outdated,
        "uncalibrated": uncalibrated,
        "lacks_verdicts": rule.name == CALIBRATED and uncalibrated,
        "passes": RulePass.objects.select_related("by", "action")[:PASSES_SHOWN],
    }
    return render(request, "curation/whatif.html", context, status=422 if form.errors else 200)


def _flips(foreseen: Outlook) -> list[tuple[str, int, str]]:
    """(in words, how many, the list of them)."""
    moves = {
        Decision.KEEP: ("come in", foreseen.to_keep),
        Decision.DROP: ("fall out", foreseen.to_drop),
        Decision.NONE: ("become undecided", foreseen.to_undecided),
    }
    rule = foreseen.rule
    return [
        (words, count, f"{reverse('curation:behind')}?{urlencode(_asked(rule, to))}")
        for to, (words, count) in moves.items()
        if count
    ]


def _asked(rule: Rule, to: Decision) -> dict[str, str]:
    return {"rule": rule.name, "threshold": str(rule.threshold), "to": to.value}


@needs(Role.CURATOR)
@require_POST
def start_pass(request: HttpRequest) -> HttpResponse:
    """Decide by a rule: a small pool at once, a large one by the worker for jobs."""
    form = RuleForm(request.POST)
    if not form.is_valid():
        tell_refused(request, "Not decided: choose a rule, and a threshold from 1 to 5.")
        return redirect("curation:whatif")
    try:
        asked = ask_for_decision(form.chosen(), by=cast(User, request.user))
    except AtWork as reason:
        tell_refused(request, f"Not decided: {reason}.")
        return redirect("curation:whatif")
    if is_small():
        carry_out(asked)
        if asked.state == "done":
            changed = asked.found["changed"]
            tell_done(
                request,
                f"Decided by {asked}: {counted(changed, 'query', 'queries')} changed.",
                action_id=asked.action_id,
            )
        return redirect(asked)
    try:
        hand_over(DECIDE, asked.pk)
    except NobodyThere as reason:
        not_handed_over(asked, reason)
    return redirect(asked)


@needs(Role.REVIEWER)
@require_GET
def show_pass(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a decision is, and what came of it; its action can be undone."""
    rule_pass = get_object_or_404(RulePass.objects.select_related("by", "action"), pk=pk)
    context = {"pass": rule_pass, "moves": rule_pass.is_open}
    return page_or_part(request, "curation/rule_pass.html", "curation/_rule_pass.html", context)
