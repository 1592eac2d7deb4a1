"""The guidelines of the audit: read by reviewers, written by curators, every version kept."""

from typing import cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from curation.audits.guidelines import NothingNew, standing_guidelines, write_guidelines
from curation.models import Guidelines
from web.notices import tell_done

VERSIONS_SHOWN = 20


class GuidelinesForm(forms.Form):
    """The whole text; an edit makes a version."""

    text = forms.CharField(
        label="Text, in Markdown", max_length=20_000, widget=forms.Textarea(attrs={"rows": 14}), strip=False
    )


@needs(Role.REVIEWER)
@require_GET
def show_guidelines(request: HttpRequest) -> HttpResponse:
    """The text that stands, its versions, and for curators the form."""
    return _page(request, GuidelinesForm(initial={"text": standing_guidelines().text}))


@needs(Role.CURATOR)
@require_POST
def edit_guidelines(request: HttpRequest) -> HttpResponse:
    """Make a version."""
    form = GuidelinesForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        written = write_guidelines(form.cleaned_data["text"], by=cast(User, request.user))
    except NothingNew as reason:
        form.add_error("text", f"Not saved: {reason}.")
        return _page(request, form, status=422)
    tell_done(request, f"Version {written.number} stands beside every audit now.")
    return redirect("curation:guidelines")


def _page(request: HttpRequest, form: GuidelinesForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "guidelines": standing_guidelines(),
        "versions": Guidelines.objects.select_related("by")[:VERSIONS_SHOWN],
    }
    return render(request, "curation/guidelines.html", context, status=status)
