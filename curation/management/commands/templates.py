"""List rating templates, write one to a file, take one from a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.models import Template
from curation.scores.judges import UnknownTemplate, install_shipped_templates, newest_template
from curation.scores.template_files import BadTemplate, read_template, write_template
from curation.scores.wording import add_version
from web.commands import BadInput, Outcome, StudioCommand


class Command(StudioCommand):
    help = "List rating templates, export one as TOML, import one from TOML. An import never changes a version."
    example = "manage.py templates export complexity@1 complexity.toml"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["list", "export", "import"])
        parser.add_argument(
            "what", nargs="*", metavar="WHAT", help="export: NAME or NAME@VERSION, and a file to write; import: files"
        )

    def carry_out(self, **options: Any) -> Outcome:
        verb, what = options["verb"], options["what"]
        install_shipped_templates()
        if verb == "import":
            return _imported([Path(name) for name in what])
        return _exported(what) if verb == "export" else _listed()


def _listed() -> Outcome:
    templates = list(Template.objects.all())
    lines = [
        f"{template} {template.answer_order}, {' | '.join(template.level_labels)}"
        f"{', shows the response' if template.shows_response else ''}{', retired' if template.retired else ''}"
        for template in templates
    ]
    return Outcome(result={"templates": [_row(template) for template in templates]}, lines=lines)


def _row(template: Template) -> dict[str, Any]:
    names = ("name", "version", "answer_order", "level_labels", "shows_response", "retired")
    return {name: getattr(template, name) for name in names}


def _exported(what: list[str]) -> Outcome:
    if not 1 <= len(what) <= 2:
        raise BadInput("export: give NAME or NAME@VERSION, and if you like a file to write")
    template = _named(what[0])
    text = write_template(template)
    if len(what) == 1:
        return Outcome(result=_row(template) | {"toml": text}, lines=[text])
    try:
        Path(what[1]).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BadInput(f"export: {what[1]} cannot be written: {error}") from error
    return Outcome(result=_row(template) | {"file": what[1]}, lines=[f"{template} written to {what[1]}"])


def _named(name: str) -> Template:
    name, at, version = name.partition("@")
    try:
        if not at:
            return newest_template(name)
        found = Template.objects.filter(name=name, version=int(version) if version.isdecimal() else 0).first()
    except UnknownTemplate as error:
        raise BadInput(f"export: {error}") from error
    if found is None:
        raise BadInput(f"export: there is no {name} version {version}; manage.py templates list names all")
    return found


def _imported(files: list[Path]) -> Outcome:
    if not files:
        raise BadInput("import: name one or more TOML files")
    # All are read before one is kept: a mistake in the last leaves nothing behind.
    kept = [add_version(draft, by=None, door=Door.COMMAND) for draft in [_read(file) for file in files]]
    lines = [
        f"{file}: kept as {template}" if action else f"{file}: {template} reads the same already"
        for file, (template, action) in zip(files, kept, strict=True)
    ]
    rows = [_row(template) | {"new": action is not None} for template, action in kept]
    return Outcome(result={"templates": rows}, lines=lines)


def _read(file: Path) -> Template:
    try:
        return read_template(file.read_text(encoding="utf-8"), str(file))
    except BadTemplate as error:
        raise BadInput(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: cannot be read: {error}; name a UTF-8 text file") from error
