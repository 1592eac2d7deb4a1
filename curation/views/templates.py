"""Templates in the browser: the list, one version, an edit that makes the next, files in and out."""

from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.roles import Role, needs
from curation.models import AnswerOrder, Judge, Score, Template
from curation.scores.template_files import LEVELS, BadTemplate, problem_of_body, read_template, write_template
from curation.scores.wording import add_version, bring_back, retire, with_response
from web.counts import counts_by
from web.diffs import pieces_between
from web.kept_forms import keep_typed, kept_fields
from web.notices import tell_done, tell_refused

LARGEST_FILE = 100_000  # bytes
NEW_BODY = """\
You rate how complex programming requests are. Between the tags stands one request.

The five levels:
{{levels}}

<query>
{{query}}
</query>

{{order}}
"""


class TemplateForm(forms.Form):
    """The fields of a version. The name of one that is edited stays."""

    name = forms.SlugField(max_length=64, help_text="Letters, digits, - and _.")
    answer_order = forms.ChoiceField(
        label="Order of the reply",
        choices=AnswerOrder.choices,
        widget=forms.RadioSelect,
        initial=AnswerOrder.SCORE_FIRST,
    )
    body = forms.CharField(
        label="Prompt",
        strip=False,
        max_length=20_000,
        initial=NEW_BODY,
        widget=forms.Textarea(attrs={"rows": 22, "class": "mono", "spellcheck": "false"}),
        help_text="{{query}}, {{levels}} and {{order}} are filled in, and {{response}} where it stands.",
    )
    shows_response = forms.BooleanField(required=False, label="Show the judge the answer that came with the query, too")

    def __init__(self, *args: Any, edited: Template | None = None, **kwargs: Any) -> None:
        if edited is not None:
            kwargs.setdefault("initial", _fields_of(edited))
        super().__init__(*args, **kwargs)
        for level in range(1, LEVELS + 1):
            self.fields[f"label_{level}"] = forms.CharField(label=f"{level}", max_length=60)
        self.fields["name"].disabled = edited is not None

    @property
    def labels(self) -> list[forms.BoundField]:
        """The fields of the five labels, level 1 first."""
        return [self[f"label_{level}"] for level in range(1, LEVELS + 1)]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "body" not in cleaned:
            return cleaned
        body = cleaned["body"].replace("\r\n", "\n").replace("\r", "\n")
        if problem := problem_of_body(body):
            self.add_error("body", problem)
            return cleaned
        cleaned["body"] = with_response(body, shown=cleaned["shows_response"])
        return cleaned

    def draft(self) -> Template:
        """What was typed, as a version that is not saved."""
        chosen = self.cleaned_data
        return Template(
            name=chosen["name"],
            answer_order=chosen["answer_order"],
            level_labels=[chosen[f"label_{level}"] for level in range(1, LEVELS + 1)],
            body=chosen["body"],
        )


class FileForm(forms.Form):
    """A template's file."""

    file = forms.FileField(label="TOML file", help_text="name, answer_order, level_labels, body; as an export has it.")


@needs(Role.REVIEWER)
@require_GET
def list_templates(request: HttpRequest) -> HttpResponse:
    """Each template by its newest version, the older ones beside it."""
    by_name: dict[str, list[Template]] = {}
    for template in Template.objects.annotate(judged=Count("judges")).order_by("name", "-version"):
        by_name.setdefault(template.name, []).append(template)
    counting = set(Judge.objects.filter(counts=True).values_list("template_id", flat=True))
    scores = _scores_by_template()
    rows = [
        (
            next((one for one in versions if not one.retired), versions[0]),
            versions,
            sum(scores.get(one.pk, 0) for one in versions),
            any(one.pk in counting for one in versions),
        )
        for versions in by_name.values()
    ]
    return render(request, "curation/templates.html", {"rows": rows})


@needs(Role.REVIEWER)
@require_GET
def show_template(request: HttpRequest, pk: int) -> HttpResponse:
    """One version, what changed since the one before, and the judges made of it."""
    template = get_object_or_404(Template, pk=pk)
    versions = list(Template.objects.filter(name=template.name))
    before = next((one for one in versions if one.version < template.version), None)
    context = {
        "template": template,
        "versions": versions,
        "before": before,
        "pieces": pieces_between(before.body, template.body) if before and before.body != template.body else [],
        "judges": template.judges.order_by("pk"),
        "scores": _scores_by_template().get(pk, 0),
        "query": request.GET.get("query", ""),
    }
    return render(request, "curation/template.html", context)


@keep_typed
@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def word_template(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Word a new template, or the next version of one."""
    edited = get_object_or_404(Template, pk=pk) if pk else None
    form = TemplateForm(request.POST if request.method == "POST" else kept_fields(request) or None, edited=edited)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "edited": edited}
        return render(request, "curation/edit_template.html", context, status=422 if request.method == "POST" else 200)
    return _kept(request, form.draft())


@needs(Role.CURATOR)
@require_http_methods(["GET", "POST"])
def import_template(request: HttpRequest) -> HttpResponse:
    """Take a template from a TOML file."""
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _kept(request, _read(form.cleaned_data["file"]))
        except BadTemplate as error:
            form.add_error("file", str(error))
    status = 422 if request.method == "POST" else 200
    return render(request, "curation/import_template.html", {"form": form}, status=status)


@needs(Role.REVIEWER)
@require_GET
def export_template(request: HttpRequest, pk: int) -> HttpResponse:
    """The version as a TOML file."""
    template = get_object_or_404(Template, pk=pk)
    name = f"{template.name}-v{template.version}.toml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(write_template(template), content_type="application/toml; charset=utf-8", headers=headers)


@needs(Role.CURATOR)
@require_POST
def offer_template(request: HttpRequest, pk: int, offered: bool) -> HttpResponse:
    """Retire a version, or bring it back."""
    template = get_object_or_404(Template, pk=pk)
    action = (bring_back if offered else retire)(template, by=cast(User, request.user))
    words = f"{template} is offered again." if offered else f"{template} is retired; its scores stay."
    tell_done(request, words, action_id=action.pk if action else None)
    return redirect(template)


def _kept(request: HttpRequest, draft: Template) -> HttpResponse:
    template, action = add_version(draft, by=cast(User, request.user))
    if action is None:
        tell_refused(request, f"Nothing changed: {template} reads the same.")
    else:
        tell_done(request, f"{template} is kept. Judges of earlier versions stay as they are.", action_id=action.pk)
    return redirect(template)


def _read(file: UploadedFile) -> Template:
    name = file.name or "file"
    if (file.size or 0) > LARGEST_FILE:
        raise BadTemplate(f"{name}: {file.size:,} bytes are no template; the limit is {LARGEST_FILE:,}")
    try:
        text = file.read().decode()
    except UnicodeDecodeError as error:
        raise BadTemplate(f"{name}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return read_template(text, name)


def _fields_of(template: Template) -> dict[str, Any]:
    labels = {f"label_{level}": label for level, label in template.levels}
    plain = {name: getattr(template, name) for name in ("name", "answer_order", "body", "shows_response")}
    return plain | labels


def _scores_by_template() -> dict[int, int]:
    template_of = dict(Judge.objects.values_list("pk", "template_id"))
    scores: dict[int, int] = {}
    for judge_id, count in counts_by(Score.objects.all(), "judge_id").items():
        scores[template_of[judge_id]] = scores.get(template_of[judge_id], 0) + count
    return scores
