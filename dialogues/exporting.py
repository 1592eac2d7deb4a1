"""Write the approved versions of dialogues to a file, one record per line, streamed in order of dialogue id."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.actions import record
from accounts.models import Door, User
from dialogues.drafts import broken_rules
from dialogues.files import whole_file
from dialogues.layouts import LAYOUTS, Layout
from dialogues.models import Dialogue, Export, Seed, Version
from dialogues.models.dialogues import DialogueQuerySet

BLOCK = 200
MARK_BLOCK = 2_000
# Some readers take these for line ends; within JSON they may be written as escapes.
LINE_SEPARATORS = re.compile("[\u0085\u2028\u2029]")

Found = Iterator[tuple[int, Version | None]]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which approved dialogues an export takes; empty means all."""

    method: str = ""
    source: str = ""

    def dialogues(self) -> DialogueQuerySet:
        """A built dialogue is of the source of any of its seeds, an imported one of its own."""
        chosen = Dialogue.objects.approved()
        if self.method:
            chosen = chosen.filter(method=self.method)
        if self.source:
            of_seed = Q(query__source__slug=self.source) | Q(problem__source__slug=self.source)
            grown = Seed.objects.filter(of_seed, dialogue=OuterRef("pk"))
            chosen = chosen.filter(Q(source__slug=self.source) | Exists(grown))
        return chosen

    def as_filters(self) -> dict[str, str]:
        chosen = {"method": self.method, "source": self.source}
        return {name: value for name, value in chosen.items() if value}


@dataclass
class Written:
    """What went into the file, and which dialogues were refused, with the reason."""

    version_ids: list[int] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)


def export_dialogues(
    path: Path,
    *,
    layout: str,
    choice: Choice,
    by: User | None,
    door: Door = Door.PAGE,
    watch: Callable[[Found], Found] = iter,
) -> tuple[Export, list[tuple[int, str]]]:
    """Write the file and the row that lists its versions; also gives (dialogue id, reason) of every refused one.

    `watch` is handed the dialogues on their way, so that a door can show how far it is.
    """
    mark_what_left()
    export = Export.objects.create(file_name=path.name, layout=layout, filters=choice.as_filters(), by=by)
    written = Written()
    try:
        with whole_file(path) as file:
            _write(file, written, LAYOUTS[layout], watch(approved_versions(choice)))
    except BaseException as error:
        Export.objects.filter(pk=export.pk).update(
            state=Export.State.FAILED, error=f"{type(error).__name__}: {error}", finished_at=timezone.now()
        )
        raise
    _settle(export, written, by=by, door=door)
    _mark(export)
    return export, written.refusals


def mark_what_left() -> None:
    """Mark what finished exports hold, should whoever made one have been killed before it was marked."""
    for export in Export.objects.filter(state=Export.State.DONE, marked=False):
        _mark(export)


def _mark(export: Export) -> None:
    """Say of its dialogues that they have left, in blocks: most exports hold what an earlier one held."""
    for start in range(0, len(export.version_ids), MARK_BLOCK):
        versions = Version.objects.filter(pk__in=export.version_ids[start : start + MARK_BLOCK])
        Dialogue.objects.filter(pk__in=versions.values("dialogue"), exported=False).update(exported=True)
    Export.objects.filter(pk=export.pk).update(marked=True)


def _settle(export: Export, written: Written, *, by: User | None, door: Door) -> None:
    export.state = Export.State.DONE
    export.version_ids = written.version_ids
    export.dialogues, export.refused = len(written.version_ids), len(written.refusals)
    export.sha256 = written.hash.hexdigest()
    export.finished_at = timezone.now()
    with transaction.atomic():
        export.save(update_fields=["state", "version_ids", "dialogues", "refused", "sha256", "finished_at"])
        record("export", [], by=by, door=door, note=f"{export}: {export.sha256}")


def _write(file: BufferedWriter, written: Written, layout: Layout, found: Found) -> None:
    for dialogue_id, version in found:
        refusal = _refusal(version)
        if version is None or refusal:
            written.refusals.append((dialogue_id, refusal))
        else:
            line = _line(layout(dialogue_id, json.loads(version.messages)))
            file.write(line)
            written.hash.update(line)
            written.version_ids.append(version.pk)


def _line(one: dict[str, Any]) -> bytes:
    text = json.dumps(one, ensure_ascii=False)
    return LINE_SEPARATORS.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def approved_versions(choice: Choice) -> Found:
    """Each chosen dialogue's id with its approved version, by key in blocks, so that no cursor stays open."""
    last = 0
    while block := list(_after(choice, last)[:BLOCK]):
        yield from ((dialogue.pk, dialogue.approved_version) for dialogue in block)
        last = block[-1].pk


def _after(choice: Choice, last: int) -> DialogueQuerySet:
    columns = ("approved_version__dialogue", "approved_version__messages", "approved_version__sha256")
    chosen = choice.dialogues().filter(pk__gt=last).order_by("pk")
    return chosen.select_related("approved_version").only("approved_version__number", *columns)


def lines_again(export: Export) -> Iterator[bytes]:
    """The lines of a finished export, made anew from the versions it lists: the same bytes, wherever its file is."""
    layout = LAYOUTS[export.layout]
    for start in range(0, len(export.version_ids), BLOCK):
        block = export.version_ids[start : start + BLOCK]
        versions = Version.objects.only("dialogue_id", "messages").in_bulk(block)
        for version in (versions[pk] for pk in block):
            yield _line(layout(version.dialogue_id, json.loads(version.messages)))


def _refusal(version: Version | None) -> str:
    """Why this may not stand in a file; empty when it may."""
    if version is None:
        return "approved, but no version was written"
    if hashlib.sha256(version.messages.encode()).hexdigest() != version.sha256:
        return f"{version} is no longer what was approved: its hash differs"
    try:
        return "; ".join(broken_rules(json.loads(version.messages)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return f"its version does not read as messages: {error!r}"
