"""The list of imports, and one import with its counts and its rejected records."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.roles import Role, needs
from curation.models import ImportBatch, RejectedRecord
from web.paging import Order, page_of

FILE_ORDER = Order(descending=False, key_descending=False)


@needs(Role.REVIEWER)
@require_GET
def list_batches(request: HttpRequest) -> HttpResponse:
    """All files that were read, newest first."""
    page = page_of(ImportBatch.objects.all(), request.GET, shown=ImportBatch.objects.select_related("source", "by"))
    return render(request, "curation/batches.html", {"page": page})


@needs(Role.REVIEWER)
@require_GET
def show_batch(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: what it gave, and each record that was not taken with its line and the reason."""
    batch = get_object_or_404(ImportBatch.objects.select_related("source", "by"), pk=pk)
    page = page_of(RejectedRecord.objects.filter(batch=batch), request.GET, order=FILE_ORDER)
    return render(request, "curation/batch.html", {"batch": batch, "page": page})
