"""The form that starts a search for duplicates in the worker for jobs."""

from functools import partial

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.roles import Role, needs
from curation.duplicates import candidates
from curation.duplicates.searching import ask_for_search
from curation.models import CompareBy, QueryCount
from curation.views.passes import start_pass
from embeddings import MissingExtra, require
from web.kept_counts import total


class SearchForm(forms.Form):
    """What a search compares."""

    compare_by = forms.ChoiceField(
        label="Compare by",
        choices=CompareBy.choices,
        initial=CompareBy.WORDS,
        widget=forms.RadioSelect,
        help_text="Each also does what stands above it.",
    )

    def clean_compare_by(self) -> CompareBy:
        chosen = CompareBy(self.cleaned_data["compare_by"])
        try:
            if chosen != CompareBy.FORM:
                candidates.require()
            if chosen == CompareBy.MEANING:
                require()
        except (MissingExtra, candidates.MissingExtra) as missing:
            raise forms.ValidationError(f"{missing}. Or compare by form.") from missing
        return chosen


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def ask_for_duplicate_search(request: HttpRequest) -> HttpResponse:
    """What a search would do, and its start."""
    form = SearchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ask = partial(ask_for_search, compare_by=form.cleaned_data["compare_by"])
        return start_pass(request, "duplicates", lambda by: ask(by=by))
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "queries": total(QueryCount.objects.in_play())}
    return render(request, "curation/find_duplicates.html", context, status=status)
