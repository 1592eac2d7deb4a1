"""Import dialogues of three published layouts into review: Code-Feedback, OpenAI chat, ShareGPT of several exchanges.

The first turn is the query. A later user turn that starts with `Execution result:` reports a run; every other one
is taken for feedback, so that reviewers can edit it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from accounts.models import Door, User
from curation.intake.batches import Intake, OnOpen, import_file
from curation.intake.fields import ROLES, JsonObject, checked_text, identifier_of, kind_of, sharegpt_messages
from curation.intake.forms import OnBytes
from curation.intake.languages import language_of
from curation.intake.previewing import Preview, preview_file, sample_of
from curation.intake.records import BadRecord, Record
from curation.intake.repeats import note_repeats
from curation.intake.sources import AUTO, UnknownLayout, check_is_for
from curation.models import ImportBatch
from curation.texts import in_short, storable
from dialogues.drafts import broken_rules
from dialogues.executions import HEADING
from dialogues.models import AuthorKind, Dialogue, Method, Role, State, Turn, TurnKind
from dialogues.versions import Messages, frozen

Spoken = list[tuple[str, Any]]

# A dialogue is many rows; this keeps the write transaction short.
CHUNK_DIALOGUES = 100


@dataclass(frozen=True, slots=True)
class DialogueLine:
    """One readable dialogue, ready to be stored."""

    messages: Messages
    text_hash: str
    language: str
    external_id: str

    def __str__(self) -> str:
        return f"{len(self.messages)} turns: {in_short(self.messages[0]['content'])}"


def code_feedback(record: JsonObject) -> Spoken:
    messages = record.get("messages")
    if not isinstance(messages, list):
        raise BadRecord(f"field 'messages' is {kind_of(messages)}, not a list of messages; mend or remove the record")
    return [_message(message, position) for position, message in enumerate(messages)]


def openai_chat(record: JsonObject) -> Spoken:
    """As Code-Feedback, without an id and with an optional system message first."""
    return code_feedback(record)


def sharegpt(record: JsonObject) -> Spoken:
    return sharegpt_messages(record)


LAYOUTS: dict[str, Callable[[JsonObject], Spoken]] = {
    "code_feedback": code_feedback,
    "openai_chat": openai_chat,
    "sharegpt": sharegpt,
}


def import_dialogues(
    path: Path,
    *,
    source: str,
    layout: str = AUTO,
    drop_system: bool = False,
    by: User | None,
    door: Door = Door.PAGE,
    on_bytes: OnBytes | None = None,
    on_open: OnOpen | None = None,
) -> ImportBatch | None:
    """Import one file of dialogues; None when it holds no record at all."""
    sample = sample_of(path)
    if sample is None:
        return None
    intake = dialogue_intake(sample.values, layout=layout, drop_system=drop_system)
    return import_file(path, intake, source=source, by=by, door=door, on_bytes=on_bytes, on_open=on_open)


def preview_dialogues(path: Path, *, layout: str = AUTO, drop_system: bool = False) -> Preview[DialogueLine]:
    """What the same import would make of the first records."""
    return preview_file(path, lambda values: dialogue_intake(values, layout=layout, drop_system=drop_system))


def dialogue_intake(values: list[Any], *, layout: str, drop_system: bool) -> Intake[DialogueLine]:
    """How a file with such first records is read; raises UnknownLayout."""
    name = detect(values) if layout == AUTO else layout
    if name not in LAYOUTS:
        raise UnknownLayout(f"there is no dialogue layout {name!r}; choose from {', '.join([AUTO, *LAYOUTS])}")
    return Intake(
        ImportBatch.Holds.DIALOGUES,
        f"{name} without system" if drop_system else name,
        read=lambda record: read_dialogue(record, name, drop_system=drop_system),
        store=store_dialogues,
        chunk_records=CHUNK_DIALOGUES,
    )


def detect(values: list[Any]) -> str:
    """The layout of a file of dialogues, by its first records."""
    objects = [value for value in values if isinstance(value, dict)]
    check_is_for("import_dialogues", objects)
    with_messages = [value for value in objects if "messages" in value]
    with_conversations = [value for value in objects if "conversations" in value]
    if not with_messages and not with_conversations:
        raise UnknownLayout("no record has a field 'messages' or 'conversations', so this file holds no dialogues")
    if len(with_conversations) > len(with_messages):
        return "sharegpt"
    return "code_feedback" if any("id" in value for value in with_messages) else "openai_chat"


def read_dialogue(record: Record, layout: str, *, drop_system: bool) -> DialogueLine:
    """One record as its layout has it; raises BadRecord."""
    if not isinstance(record.value, dict):
        raise BadRecord("not a JSON object; give one object with named fields per record")
    spoken = LAYOUTS[layout](record.value)
    if system := record.value.get("system"):  # some tools keep it in a field of its own
        spoken = [("system", system), *spoken]
    spoken = _without_system(spoken, drop_system=drop_system)
    messages = [
        {"role": role, "content": storable(checked_text(content, f"message {position}"))}
        for position, (role, content) in enumerate(spoken)
    ]
    if broken := broken_rules(messages):
        raise BadRecord(f"{'; '.join(broken[:3])}; mend or remove the record")
    return DialogueLine(
        messages=messages,
        text_hash=frozen(messages)[1],
        language=_language(messages),
        external_id=storable(identifier_of(record.value, "id")),
    )


def _message(message: Any, position: int) -> tuple[str, Any]:
    if not isinstance(message, dict):
        what = f"field 'messages[{position}]' is {kind_of(message)}"
        raise BadRecord(f"{what}, not an object with role and content; mend or remove the record")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        what = f"field 'messages[{position}].role' is {role!r:.60}"
        raise BadRecord(f"{what}, not user, assistant or system; rename it or remove the record")
    return ROLES[role], message.get("content")


def _without_system(spoken: Spoken, *, drop_system: bool) -> Spoken:
    """An export holds user and assistant only, so a system message is dropped by request or refuses the record."""
    if not spoken or spoken[0][0] != "system":
        return spoken
    if not drop_system:
        raise BadRecord("starts with a system message, which no export carries; --drop-system leaves it out")
    return spoken[1:]


def _language(messages: Messages) -> str:
    answers = [message["content"] for message in messages if message["role"] == Role.ASSISTANT]
    return next((language for answer in answers if (language := language_of("", answer))), "")


def store_dialogues(batch: ImportBatch, lines: list[DialogueLine]) -> int:
    """Store the dialogues that are new, with their turns; how many were new."""
    first_lines: dict[str, DialogueLine] = {}
    for line in lines:
        first_lines.setdefault(line.text_hash, line)
    known = set(_stored(list(first_lines)).values_list("text_hash", flat=True))
    new = [line for text_hash, line in first_lines.items() if text_hash not in known]
    Dialogue.objects.bulk_create([_dialogue(batch, line) for line in new], ignore_conflicts=True)
    # Only what this batch wrote: another import may have stored the same dialogue at the same time.
    stored = _stored([line.text_hash for line in new]).filter(batch=batch).values_list("text_hash", "pk")
    Turn.objects.bulk_create(
        [turn for text_hash, dialogue_id in stored for turn in _turns(dialogue_id, first_lines[text_hash])]
    )
    elsewhere = _stored(list(first_lines)).exclude(batch=batch)
    note_repeats(Dialogue, elsewhere.values_list("pk", flat=True), batch)
    return len(stored)


def _stored(hashes: list[str]) -> QuerySet[Dialogue]:
    return Dialogue.objects.filter(text_hash__in=hashes)


def _dialogue(batch: ImportBatch, line: DialogueLine) -> Dialogue:
    return Dialogue(
        method=Method.IMPORTED,
        state=State.IN_REVIEW,
        source_id=batch.source_id,
        batch_id=batch.pk,
        external_id=line.external_id,
        text_hash=line.text_hash,
        title=line.messages[0]["content"][:200],
        language=line.language,
    )


def _turns(dialogue_id: int, line: DialogueLine) -> list[Turn]:
    return [
        Turn(
            dialogue_id=dialogue_id,
            position=position,
            role=message["role"],
            kind=_kind(message, position),
            content=message["content"],
            original_content=message["content"],
            author_kind=AuthorKind.SOURCE,
        )
        for position, message in enumerate(line.messages)
    ]


def _kind(message: dict[str, str], position: int) -> TurnKind:
    if message["role"] == Role.ASSISTANT:
        return TurnKind.ANSWER
    if position == 0:
        return TurnKind.QUERY
    return TurnKind.EXECUTION if message["content"].startswith(HEADING.rstrip()) else TurnKind.FEEDBACK
