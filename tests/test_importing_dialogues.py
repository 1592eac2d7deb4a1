"""Claims about importing dialogues: word for word into review, or refused with a reason."""

import json

import pytest

from curation.models import ImportBatch, RejectedRecord
from dialogues.importing_dialogues import import_dialogues
from dialogues.models import Dialogue, Turn
from dialogues.versions import frozen, messages_of
from tests.running import run_command

pytestmark = pytest.mark.django_db

SPOKEN = [
    ("user", "Sort a list."),
    ("assistant", "```python\nprint(sorted([2, 1]))\n```"),
    ("user", "Execution result: \n[1, 2]"),
    ("assistant", "It runs."),
    ("user", "Please sort it downwards."),
    ("assistant", "```python\nprint([2, 1])\n```"),
]


def chat(spoken=SPOKEN, **record):
    return {**record, "messages": [{"role": role, "content": content} for role, content in spoken]}


def conversation(spoken=SPOKEN, **record):
    names = {"user": "human", "assistant": "gpt"}
    turns = [{"from": names.get(role, role), "value": content} for role, content in spoken]
    return {**record, "conversations": turns}


@pytest.fixture
def file(tmp_path):
    def write(*records, name="chat.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(one) for one in records))
        return path

    return write


def take(path, **options):
    return import_dialogues(path, source="sample", by=None, **options)


def counts(batch):
    return batch.read, batch.accepted, batch.duplicates, batch.rejected


@pytest.mark.parametrize(
    ("record", "layout", "external_id"),
    [
        (chat(id=7), "code_feedback", "7"),
        (chat(), "openai_chat", ""),
        (conversation(id="identity_3"), "sharegpt", "identity_3"),
    ],
)
def test_a_published_dialogue_comes_into_review_word_for_word(file, record, layout, external_id):
    batch = take(file(record))

    assert counts(batch) == (1, 1, 0, 0)
    assert (batch.layout, batch.holds) == (layout, "dialogues")
    dialogue = Dialogue.objects.get()
    assert (dialogue.method, dialogue.state, dialogue.language) == ("imported", "in_review", "python")
    assert (dialogue.external_id, dialogue.source.slug, dialogue.title) == (external_id, "sample", "Sort a list.")
    assert messages_of(dialogue) == [{"role": role, "content": content} for role, content in SPOKEN]
    assert dialogue.text_hash == frozen(messages_of(dialogue))[1]


def test_later_user_turns_report_a_run_or_can_be_edited_as_feedback(file):
    take(file(chat()))

    turns = Turn.objects.order_by("position")
    assert [turn.kind for turn in turns] == ["query", "answer", "execution", "answer", "feedback", "answer"]
    assert [turn.is_editable for turn in turns] == [False, False, False, False, True, False]
    assert {turn.author_kind for turn in turns} == {"source"}


def test_the_same_dialogue_twice_is_a_duplicate_whatever_its_layout(file):
    take(file(chat(id=1), chat(id=2)))

    assert counts(ImportBatch.objects.get()) == (2, 1, 1, 0)
    assert counts(take(file(conversation()))) == (1, 0, 1, 0)
    assert Turn.objects.count() == len(SPOKEN)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (
            chat([("user", "a"), ("user", "b"), ("assistant", "c")]),
            "message 1 is the user's where the assistant's is due",
        ),
        (chat(SPOKEN[:3]), "the last message is the user's"),
        (chat([("assistant", "a")]), "message 0 is the assistant's where the user's is due"),
        (chat([]), "it has no messages"),
        (chat([("user", " "), ("assistant", "b")]), "field 'message 0' is blank"),
        (chat([("user", None), ("assistant", "b")]), "field 'message 0' is null, not text"),
        (chat([("user", [{"type": "text"}]), ("assistant", "b")]), "field 'message 0' is a list, not text"),
        (
            chat([("tool", "a"), ("assistant", "b")]),
            "field 'messages[0].role' is 'tool', not user, assistant or system",
        ),
        (chat([(None, "a"), ("assistant", "b")]), "field 'messages[0].role' is None"),
        (chat([("system", "Be kind."), *SPOKEN]), "--drop-system leaves it out"),
        ({"system": "Be kind.", **chat()}, "--drop-system leaves it out"),
        (chat([*SPOKEN, ("system", "late"), ("assistant", "b")]), "message 6 is the system's where the user's is due"),
        ({"messages": "a"}, "field 'messages' is text, not a list of messages"),
        ({"messages": ["a"]}, "field 'messages[0]' is text, not an object with role and content"),
        ({"id": 8}, "field 'messages' is null, not a list of messages"),
        (5, "not a JSON object"),
    ],
)
def test_a_dialogue_no_learner_could_read_is_rejected_with_line_and_reason(file, record, reason):
    batch = take(file(chat(), record))

    assert counts(batch) == (2, 1, 0, 1)
    rejected = RejectedRecord.objects.get()
    assert rejected.line == 2
    assert reason in rejected.reason


def test_a_leading_system_message_is_left_out_on_request(file):
    in_a_field = {"system": "Be kind.", **chat([*SPOKEN, ("user", "More."), ("assistant", "No.")])}
    batch = take(file(chat([("system", "Be kind."), *SPOKEN]), in_a_field), drop_system=True)

    assert counts(batch) == (2, 2, 0, 0)
    assert [messages_of(one)[0]["role"] for one in Dialogue.objects.all()] == ["user", "user"]


def test_a_stopped_import_goes_on_only_if_system_messages_are_treated_as_before(file):
    def stop(position):
        raise OSError("disk gone")

    path = file(*(chat([("system", "Be kind."), ("user", f"Sort {n}."), ("assistant", "Done.")]) for n in range(150)))
    with pytest.raises(OSError, match="disk gone"):
        take(path, drop_system=True, on_bytes=stop)

    kept, dropped = take(path), take(path, drop_system=True)

    assert (counts(kept), kept.layout) == ((150, 0, 0, 150), "openai_chat")
    assert (counts(dropped), dropped.layout) == ((150, 150, 0, 0), "openai_chat without system")
    assert ImportBatch.objects.count() == 2


def test_each_import_command_names_the_other_for_the_others_file(file):
    queries = file({"instruction": "Q", "output": "A"}, name="queries.jsonl")
    one_exchange = file(conversation(SPOKEN[:2]), name="exchanges.json")

    for path in (queries, one_exchange):
        ran = run_command("import_dialogues", path, "--source", "sample")
        assert ran.exit_code == 2
        assert "this file holds queries; use import_queries" in ran.said
    for record in (chat(id=1), conversation()):
        ran = run_command("import_queries", file(record), "--source", "sample")
        assert ran.exit_code == 2
        assert "this file holds dialogues; use import_dialogues" in ran.said
    assert not Dialogue.objects.exists()


def test_the_command_counts_what_it_read(file):
    path = file(chat(), chat(), chat([("system", "Be kind."), *SPOKEN]))

    ran = run_command("import_dialogues", path, "--source", "sample", "--drop-system")

    assert ran.exit_code == 0
    assert [ran.result[name] for name in ("read", "accepted", "duplicates", "rejected")] == [3, 1, 2, 0]


@pytest.mark.needs("sample_pool")
def test_an_export_reads_the_same_in_all_three_layouts(pool):
    samples = pool / "formats" / "export_samples"

    first = run_command("import_dialogues", samples / "code_feedback.jsonl", "--source", "probe")
    others = run_command(
        "import_dialogues", samples / "sharegpt.json", samples / "openai_chat.jsonl", "--source", "probe"
    )

    assert first.result["accepted"] == 20
    assert others.result["duplicates"] == 40
