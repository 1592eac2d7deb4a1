"""The languages of all queries: how many are of code, how many are written in which, and the search for them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.roles import Role, needs
from curation.intake import detectors
from curation.intake.detectors import NATURAL_NAMES, MissingDetectors
from curation.intake.finding_languages import ask_for_languages
from curation.models import QueryCount
from curation.views.passes import passes_shown, start_pass
from web.kept_counts import summed
from web.notices import tell_refused


@needs(Role.REVIEWER)
@require_GET
def show_languages(request: HttpRequest) -> HttpResponse:
    """Queries by the language of their code and by that of their words."""
    written = summed(QueryCount.objects.all(), "natural_language")
    code = summed(QueryCount.objects.all(), "language")
    context: dict[str, Any] = {
        "queries": written.total(),
        "unread": written.pop("", 0),
        "written": [(name, NATURAL_NAMES.get(name, name), count) for name, count in written.most_common()],
        "code": [(name or "unknown", name or "unknown", count) for name, count in code.most_common()],
    }
    return render(request, "curation/languages.html", context | passes_shown("languages"))


@needs(Role.CURATOR)
@require_POST
def start_search(request: HttpRequest) -> HttpResponse:
    """Hand a search to the worker for jobs."""
    try:
        detectors.require()
    except MissingDetectors as missing:
        tell_refused(request, f"Not started: {missing}.")
        return redirect("curation:languages")
    return start_pass(request, "languages", lambda by: ask_for_languages(by=by))
