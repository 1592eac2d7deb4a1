"""Take a source or one file out again: what would go, the question, and how far it is."""

from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.models import User
from accounts.roles import Role, needs, role_of
from curation.models import Benchmark, ImportBatch, Source
from dialogues import withdrawing
from dialogues.hanging import MOVING, Scope, counted, exports_with
from dialogues.models import Withdrawal
from dialogues.obstacles import CannotWithdraw, IsGone, check_may_go
from dialogues.withdrawal_words import named
from runs.handing import NobodyThere, hand_over
from web.notices import tell_refused
from web.pages import asks_for_part, page_or_part

POLL_S = 2
STAYING = ("moving", *MOVING.values(), "freed", "exported")


class ConfirmForm(forms.Form):
    """The name of the source, typed once more."""

    slug = forms.CharField(label="Type the name of the source to confirm", required=False)

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = slug
        self.fields["slug"].widget.attrs["autocomplete"] = "off"

    def clean_slug(self) -> str:
        typed = str(self.cleaned_data["slug"])
        if typed != self.wanted:
            raise forms.ValidationError(f"type {self.wanted} exactly; nothing was withdrawn")
        return typed


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def withdraw_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what would go with a source; once its name is typed, let the worker for jobs take it out."""
    return _withdraw(request, Scope(get_object_or_404(Source, pk=pk)))


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def withdraw_batch(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for one file."""
    batch = get_object_or_404(ImportBatch.objects.select_related("source"), pk=pk)
    return _withdraw(request, Scope(batch.source, batch))


def _withdraw(request: HttpRequest, scope: Scope) -> HttpResponse:
    if (benchmark := _benchmark_of(scope)) is not None:
        return redirect("curation:withdraw_benchmark", pk=benchmark.pk)
    if (asked := _under_way(scope)) is not None:
        return redirect(asked)
    form = ConfirmForm(request.POST if request.method == "POST" else None, slug=scope.source.slug)
    expected = counted(scope)
    refusal = _refusal(scope, expected, role_of(request.user))
    if form.is_valid() and not refusal:
        try:
            asked = withdrawing.ask(scope, by=cast(User, request.user))
        except CannotWithdraw as reason:  # meanwhile: a second press, or another person's
            return _overtaken(request, scope, reason)
        _tell_worker(asked)
        return redirect(asked)
    context = {"scope": scope, "form": form, "expected": expected, "refusal": refusal}
    context["goes"] = named({name: n for name, n in expected.items() if name not in STAYING})
    context |= {"exports": exports_with(scope), "slug": scope.source.slug}
    return render(request, "dialogues/withdraw.html", context, status=422 if request.method == "POST" else 200)


def _benchmark_of(scope: Scope) -> Benchmark | None:
    """The benchmark that these files brought: it is withdrawn on a page of its own, and can come back."""
    of_benchmark = scope.batches().filter(holds=ImportBatch.Holds.BENCHMARK)
    return Benchmark.objects.filter(name=scope.source.slug).first() if of_benchmark.exists() else None


def _under_way(scope: Scope) -> Withdrawal | None:
    return Withdrawal.objects.filter(source=scope.source, finished_at=None).first()


def _overtaken(request: HttpRequest, scope: Scope, reason: CannotWithdraw) -> HttpResponse:
    """To the withdrawal that somebody else has asked for, or back to the question, with the reason."""
    if (asked := _under_way(scope)) is not None:
        return redirect(asked)
    tell_refused(request, f"Not withdrawn: {reason}.")
    return redirect("curation:batches" if isinstance(reason, IsGone) else request.path)


def _refusal(scope: Scope, expected: dict[str, int], role: Role) -> str:
    """Why it may not be withdrawn now, or not by this reader; empty when it may."""
    try:
        check_may_go(scope)
    except CannotWithdraw as reason:
        return str(reason)
    if role < Role.ADMINISTRATOR and expected["verdicts"] + expected["reviews"] + expected["exported"]:
        return (
            "people's work hangs on it: verdicts, reviews or exported dialogues; only an administrator may withdraw it"
        )
    return ""


@needs(Role.CURATOR)
@require_GET
def show_withdrawal(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a withdrawal is; it asks for itself until it has ended."""
    asked = get_object_or_404(Withdrawal.objects.select_related("by"), pk=pk)
    moves = asked.finished_at is None and asked.state != Withdrawal.State.FAILED
    context = {"asked": asked, "poll_s": POLL_S if moves else None, "gone": named(asked.gone)}
    response = page_or_part(request, "dialogues/withdrawal.html", "dialogues/_withdrawal.html", context)
    if asks_for_part(request) and not moves:
        trigger_client_event(response, "studio:tell", {"words": f"{asked}: {asked.get_state_display()}"})
    return response


@needs(Role.CURATOR)
@require_POST
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a stopped withdrawal to a worker again."""
    asked = get_object_or_404(Withdrawal, pk=pk)
    withdrawing.go_on(asked)
    _tell_worker(asked)
    return redirect(asked)


def _tell_worker(asked: Withdrawal) -> None:
    try:
        hand_over(withdrawing.TASK, asked.pk)
    except NobodyThere as reason:
        withdrawing.not_handed_over(asked, reason)  # its page says so, and lets it go on
