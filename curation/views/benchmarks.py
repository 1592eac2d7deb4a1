"""Take a benchmark out of use: what that would free, the question, and the action that undoes it."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.roles import Role, needs
from curation.intake import benchmarks
from curation.models import Benchmark, ContaminationHit
from web.notices import tell_done, tell_refused


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def withdraw_benchmark(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what the withdrawal would free; posting withdraws it and leads to the action, with its undo."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    if request.method == "POST":
        return _withdraw(request, benchmark)
    context = {
        "benchmark": benchmark,
        "freed": benchmarks.freed_by_withdrawing(benchmark),
        "tasks": benchmark.tasks.count(),
        "hits": ContaminationHit.objects.filter(task__benchmark=benchmark).count(),
        "withdrawal": benchmarks.standing_withdrawal(benchmark),
    }
    return render(request, "curation/withdraw_benchmark.html", context)


def _withdraw(request: HttpRequest, benchmark: Benchmark) -> HttpResponse:
    try:
        action = benchmarks.withdraw_benchmark(benchmark.name, by=cast(User, request.user))
    except benchmarks.BadBenchmark as reason:
        tell_refused(request, f"Not withdrawn: {reason}.")
        return redirect("curation:withdraw_benchmark", pk=benchmark.pk)
    tell_done(request, f"{benchmark} is withdrawn; undo here brings all of it back.")
    return redirect("accounts:action", pk=action.pk)
