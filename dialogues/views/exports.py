"""The list of exports, the start of one, and the download of a finished one."""

from typing import Any, cast

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from curation.models import Source
from dialogues.exporting import lines_again
from dialogues.layouts import LAYOUTS
from dialogues.models import Dialogue, Export, Method, State
from dialogues.tasks import write_export
from web.counts import counts_by
from web.notices import tell_done
from web.pages import page_or_part
from web.paging import page_of


class ExportForm(forms.Form):
    """Which approved dialogues go into the file, and how they are laid out."""

    layout = forms.ChoiceField(choices=[(name, name.replace("_", " ")) for name in LAYOUTS])
    method = forms.ChoiceField(required=False, choices=[("", "any"), *Method.choices])
    source = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = Source.objects.values_list("slug", flat=True)
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in slugs)]  # type: ignore[attr-defined]


@needs(Role.REVIEWER)
@require_GET
def list_exports(request: HttpRequest) -> HttpResponse:
    """All exports, newest first."""
    return _as_shown(request, ExportForm())


@needs(Role.CURATOR)
@require_POST
def start_export(request: HttpRequest) -> HttpResponse:
    """Ask the worker for jobs to write a file; it stands in the list as soon as the worker begins."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _as_shown(request, form, status=422)
    reader = cast(User, request.user)
    asked = form.cleaned_data
    transaction.on_commit(lambda: write_export.delay(asked["layout"], asked["method"], asked["source"], reader.pk))
    tell_done(request, "The export was handed to the worker for jobs; the list below fills in by itself.")
    return redirect(f"{reverse('dialogues:exports')}?asked=1")


@needs(Role.CURATOR)
@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file of a finished export, made line by line from the versions it lists: always the same bytes."""
    export = get_object_or_404(Export, pk=pk, state=Export.State.DONE)
    headers = {"Content-Disposition": content_disposition_header(as_attachment=True, filename=export.file_name)}
    return StreamingHttpResponse(lines_again(export), content_type="application/jsonl", headers=headers)


def _as_shown(request: HttpRequest, form: ExportForm, *, status: int = 200) -> HttpResponse:
    page = page_of(Export.objects.all(), request.GET, shown=Export.objects.select_related("by").defer("version_ids"))
    context = {
        "page": page,
        "form": form,
        "approved": counts_by(Dialogue.objects.all(), "state").get(State.APPROVED, 0),
        "moves": "asked" in request.GET or any(export.state == Export.State.RUNNING for export in page.rows),
    }
    return page_or_part(request, "dialogues/exports.html", "dialogues/_export_list.html", context, status=status)
