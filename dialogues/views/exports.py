"""The list of exports, and the download of a written file."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.roles import Role, needs
from dialogues.models import Export
from web.paging import page_of


@needs(Role.REVIEWER)
@require_GET
def list_exports(request: HttpRequest) -> HttpResponse:
    """All exports, newest first."""
    shown = Export.objects.select_related("by").defer("version_ids")
    return render(request, "dialogues/exports.html", {"page": page_of(Export.objects.all(), request.GET, shown=shown)})


@needs(Role.CURATOR)
@require_GET
def download(request: HttpRequest, pk: int) -> FileResponse:
    """The file of a finished export, sent block by block."""
    export = get_object_or_404(Export, pk=pk, state=Export.State.DONE)
    raise Http404(f"{export.file_name}")
