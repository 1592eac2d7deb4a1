"""The list of imports, one import with its counts as they grow, and its rejected records as a file."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET
from django_htmx.http import trigger_client_event

from accounts.roles import Role, needs
from curation.intake.rejected_files import csv_of, json_lines_of
from curation.models import Benchmark, ImportBatch, RejectedRecord, Upload
from web.pages import asks_for_part, page_or_part
from web.paging import Order, page_of

FILE_ORDER = Order(descending=False, key_descending=False)
REJECTED_FORMS = {"csv": ("text/csv", csv_of), "jsonl": ("application/jsonl", json_lines_of)}
POLL_S = 2


@needs(Role.REVIEWER)
@require_GET
def list_batches(request: HttpRequest) -> HttpResponse:
    """All files that were read, newest first."""
    page = page_of(ImportBatch.objects.all(), request.GET, shown=ImportBatch.objects.select_related("source", "by"))
    moves = any(batch.standing in ("queued", "running") for batch in page.rows)
    context = {"page": page, "poll_s": POLL_S if moves else None}
    return page_or_part(request, "curation/batches.html", "curation/_batch_list.html", context)


@needs(Role.REVIEWER)
@require_GET
def show_batch(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: what it gave so far, and each record that was not taken with its line and the reason."""
    batch = get_object_or_404(ImportBatch.objects.select_related("source", "by"), pk=pk)
    context = _as_shown(batch)
    context["page"] = page_of(RejectedRecord.objects.filter(batch=batch), request.GET, order=FILE_ORDER)
    response = page_or_part(request, "curation/batch.html", "curation/_batch.html", context)
    if asks_for_part(request) and not context["poll_s"]:
        trigger_client_event(response, "studio:tell", {"words": f"{batch.file_name}: {context['standing']}"})
    return response


def _as_shown(batch: ImportBatch) -> dict[str, Any]:
    upload, standing = Upload.objects.filter(batch=batch).first(), batch.standing
    # A file from the browser whose worker was killed is handed to the next one by the sweep.
    is_benchmark = batch.holds == ImportBatch.Holds.BENCHMARK
    goes_on = standing == "stopped" and upload is not None and batch.state == ImportBatch.State.RUNNING
    return {
        "batch": batch,
        "upload": upload,
        "benchmark": Benchmark.objects.filter(name=batch.source.slug).first() if is_benchmark else None,
        "standing": standing,
        "goes_on": goes_on,
        "poll_s": POLL_S if standing in ("queued", "running") or goes_on else None,
    }


@needs(Role.REVIEWER)
@require_GET
def download_rejected(request: HttpRequest, pk: int, form: str) -> StreamingHttpResponse:
    """All rejected records with line, reason and excerpt."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    content_type, lines_of = REJECTED_FORMS[form]
    name = content_disposition_header(as_attachment=True, filename=f"rejected-{pk}.{form}") or "attachment"
    return StreamingHttpResponse(
        lines_of(batch), content_type=f"{content_type}; charset=utf-8", headers={"Content-Disposition": name}
    )
