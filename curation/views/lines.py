"""The list of all lines that were read from files of queries, with what became of each."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from accounts.roles import Role, needs
from curation.intake.lines import DUPLICATES, REJECTED, Wanted, page_of_lines
from curation.models import QueryCount, Source
from web.counts import counted_words, kept_for_a_while
from web.kept_counts import total
from web.pages import page_or_part

KINDS = [("", "all"), (DUPLICATES, "duplicates"), (REJECTED, "rejected")]


class LineFilters(forms.Form):
    """What the address may ask for; each field may be absent."""

    kind = forms.ChoiceField(required=False, choices=KINDS, widget=forms.HiddenInput)
    reason = forms.CharField(required=False, max_length=300, strip=False, widget=forms.HiddenInput)
    source = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = Source.objects.values_list("slug", flat=True)
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in slugs)]  # type: ignore[attr-defined]


@needs(Role.REVIEWER)
@require_GET
def list_lines(request: HttpRequest) -> HttpResponse:
    """Lines of files, the newest file first, each in the order of its file."""
    form = LineFilters(request.GET)
    form.is_valid()
    asked = {name: value for name, value in form.cleaned_data.items() if value}
    wanted = Wanted(source=asked.get("source", ""), kind=asked.get("kind", ""), reason=asked.get("reason", ""))
    if wanted.reason:
        wanted = Wanted(wanted.source, REJECTED, wanted.reason)
    page = page_of_lines(wanted, request.GET)
    facets = [(kind, words, _counted(Wanted(wanted.source, kind))) for kind, words in KINDS]
    context = {
        "form": form,
        "wanted": wanted,
        "facets": facets,
        "taken": _taken(wanted.source),
        "page": page,
        "counted": counted_words(page, _counted(wanted), "line", "lines"),
    }
    return page_or_part(request, "curation/lines.html", "curation/_line_list.html", context)


def _counted(wanted: Wanted) -> int:
    return kept_for_a_while(f"lines:{wanted.source}:{wanted.kind}:{hash(wanted.reason)}", wanted.count)


def _taken(source: str) -> int:
    """The queries that these lines gave."""
    keys = Source.objects.filter(slug=source).values("pk")
    return total(QueryCount.objects.filter(source__in=keys) if source else QueryCount.objects.all())
