"""From the browser into the pool: a file comes in, is looked at, and is handed to a worker to import."""

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from curation.intake.mapping import BadMapping
from curation.intake.previewing import Preview
from curation.intake.records import BrokenFile
from curation.models import ImportBatch, Source, Upload, uploads_folder
from dialogues import uploading
from dialogues.filekinds import Choice, preview, shown
from dialogues.forms import ReadingForm
from runs.handing import NobodyThere, hand_over
from web.notices import tell_done, tell_refused
from web.uploads import FileOnDisk, ToDisk, in_words


@csrf_exempt  # the token is looked at in `_take_in`: reading it here would read the file the usual way
@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def upload_file(request: HttpRequest) -> HttpResponse:
    """The form for a file; what is sent goes straight to disk and, if it can be read, to its own page."""
    if request.method == "GET":
        return _form(request)
    handler = ToDisk(uploads_folder(), settings.UPLOAD_LIMIT_BYTES)
    request.upload_handlers = [handler]
    try:
        return _take_in(request, handler)
    finally:
        handler.drop()


@csrf_protect
def _take_in(request: HttpRequest, handler: ToDisk) -> HttpResponse:
    file = request.FILES.get("file")
    if handler.refusal:
        return _form(request, f"{handler.file_name}: {handler.refusal}. Nothing of it was kept.", status=422)
    if not isinstance(file, FileOnDisk):
        return _form(request, "No file came in; choose one and send it again.", status=422)
    try:
        upload = uploading.take_in(file, by=cast(User, request.user))
    except BrokenFile as broken:
        return _form(request, f"{file.name}: {broken}", status=422)
    return redirect(upload)


def _form(request: HttpRequest, problem: str = "", *, status: int = 200) -> HttpResponse:
    waiting = Upload.objects.filter(batch=None).select_related("by").order_by("-pk")[:20]
    context = {"problem": problem, "waiting": waiting, "limit_bytes": settings.UPLOAD_LIMIT_BYTES}
    context["limit"] = in_words(settings.UPLOAD_LIMIT_BYTES)
    return render(request, "dialogues/upload_file.html", context, status=status)


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def show_upload(request: HttpRequest, pk: int) -> HttpResponse:
    """What an import of this file would make of its first records; change how it is read, or start it."""
    upload = get_object_or_404(Upload.objects.select_related("batch"), pk=pk)
    if upload.batch is not None:
        return _to_import(request, upload, upload.batch)
    if request.method == "GET":
        choice = Choice(**upload.choice)
        return _look(request, upload, ReadingForm.of(choice), choice)
    form = ReadingForm(request.POST)
    if not form.is_valid():
        return _look(request, upload, form, Choice(**upload.choice), status=422)
    choice = form.choice()
    if "start" not in request.POST:
        uploading.choose(upload, choice)
        return redirect(f"{reverse('dialogues:upload', args=[pk])}?source={form.cleaned_data['source']}")
    return _start(request, upload, form, choice)


def _to_import(request: HttpRequest, upload: Upload, batch: ImportBatch) -> HttpResponse:
    """To the import that was started; whoever has just asked for another one hears that there is none."""
    form = ReadingForm(request.POST or None)
    if form.is_valid():
        try:
            uploading.check_started_as(upload, batch, form.choice(), source=form.cleaned_data["source"])
        except uploading.StartedOtherwise as reason:
            tell_refused(request, f"{reason}.")
    return redirect(batch)


def _start(request: HttpRequest, upload: Upload, form: ReadingForm, choice: Choice) -> HttpResponse:
    try:
        found = preview(upload.path, choice, source=form.cleaned_data["source"])
        batch = uploading.start(upload, choice, found, source=form.cleaned_data["source"])
    except FileNotFoundError:  # the page says so
        return _look(request, upload, form, choice, status=422)
    except uploading.StartedOtherwise as reason:
        tell_refused(request, f"{reason}.")
        return redirect(reason.batch)
    except (uploading.CannotStart, BadMapping, BrokenFile) as reason:
        form.add_error(None, str(reason))
        return _look(request, upload, form, choice, status=422)
    _tell_worker(upload)
    return redirect(batch)


def _look(
    request: HttpRequest, upload: Upload, form: ReadingForm, choice: Choice, *, status: int = 200
) -> HttpResponse:
    problem = ""
    found: Preview[Any] = Preview()
    try:
        found = preview(upload.path, choice, source=request.GET.get("source", ""))
    except (BrokenFile, BadMapping) as reason:
        problem = str(reason)
    except FileNotFoundError:
        problem = "the file is no longer on this machine; send it again"
    form.know(holds=choice.holds)
    if "source" in request.GET and not form.is_bound:
        form.initial["source"] = request.GET["source"]
    context = {"upload": upload, "form": form, "found": found, "problem": problem, "choice": choice}
    context |= {"rows": [shown(row) for row in found.rows], "holds_words": ImportBatch.Holds(choice.holds).label}
    context |= {"sources": Source.objects.filter(withdrawn_at=None), "size": in_words(upload.size)}
    return render(request, "dialogues/upload.html", context, status=status)


@needs(Role.CURATOR)
@require_POST
def discard_upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a file that nobody wants to import."""
    upload = get_object_or_404(Upload, pk=pk)
    if not uploading.throw_away(upload):
        tell_refused(request, f"{upload.file_name} was not removed: somebody has started its import.")
        return redirect(upload)
    tell_done(request, f"{upload.file_name} was removed; nothing of it was imported.")
    return redirect("dialogues:upload_file")


@needs(Role.CURATOR)
@require_POST
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a stopped import to a worker again; it goes on at its place."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    try:
        upload = uploading.go_on(batch)
    except uploading.CannotStart as reason:
        tell_refused(request, f"{reason}.")
    else:
        _tell_worker(upload)
    return redirect(batch)


def _tell_worker(upload: Upload) -> None:
    try:
        hand_over(uploading.TASK, upload.pk)
    except NobodyThere as reason:
        uploading.not_handed_over(upload, reason)  # the page of the import says so
