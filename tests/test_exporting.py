"""The file that leaves the house."""

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door, User
from dialogues.editing import edit_feedback
from dialogues.exporting import lines_again
from dialogues.models import Dialogue, Export, Seed, State, Turn, Version
from dialogues.reviewing import approve_many
from dialogues.tasks import tend
from tests.making import a_dialogue, a_query, a_source, an_approved_dialogue
from tests.running import run_command

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent


def records(path):
    text = path.read_bytes().decode()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def test_only_approved_dialogues_leave_in_order_of_their_id(tmp_path):
    first, _, second = an_approved_dialogue(), a_dialogue(), an_approved_dialogue("What é?", "This: \u2028.")
    a_dialogue(state=State.REJECTED)
    file = tmp_path / "approved.jsonl"
    exported = run_command("export", file, "--layout", "code_feedback")
    assert exported.exit_code == 0
    assert exported.result == {
        "file": str(file),
        "dialogues": 2,
        "refused": 0,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    assert [record["id"] for record in records(file)] == [first.pk, second.pk]
    assert records(file)[1]["messages"] == [
        {"role": "user", "content": "What é?"},
        {"role": "assistant", "content": "This: \u2028."},
    ]
    assert list(records(file)[0]["messages"][0]) == ["role", "content"]
    assert len(file.read_text().splitlines()) == 2


def test_the_approved_version_is_exported_and_not_the_turns(tmp_path):
    dialogue = an_approved_dialogue()
    Turn.objects.filter(dialogue=dialogue, position=2).update(content="Not approved.")
    run_command("export", tmp_path / "a.jsonl")
    assert records(tmp_path / "a.jsonl")[0]["messages"][2]["content"] == "It is slow on long lists."


def test_undoing_an_approval_and_the_edit_before_it_exports_what_was_approved_first(tmp_path):
    dialogue = a_dialogue()
    approve_many([dialogue.pk], by=None, door=Door.COMMAND)
    editor, now = User.objects.create(username="eva"), timezone.now()
    feedback = dialogue.turns.get(position=2)
    edit_feedback(feedback.pk, content="Edited.", category="Efficiency", version=2, by=editor, at=now)
    Turn.objects.filter(dialogue=dialogue).update(stale=False)  # the answers were found to fit
    second = approve_many([dialogue.pk], by=None, door=Door.COMMAND).action
    undo(second, by=None)
    Turn.objects.filter(dialogue=dialogue, position=3).update(stale=True)
    undo(Action.objects.get(verb="edit feedback"), by=None)
    run_command("export", tmp_path / "a.jsonl")
    assert records(tmp_path / "a.jsonl")[0]["messages"][2]["content"] == "It is slow on long lists."


def test_the_export_row_lists_the_versions_and_an_action_says_who(tmp_path):
    an_approved_dialogue(), an_approved_dialogue()
    result = run_command("export", tmp_path / "a.jsonl", "--method", "simulation").result
    export = Export.objects.get()
    assert export.version_ids == list(Version.objects.order_by("dialogue").values_list("pk", flat=True))
    assert (export.state, export.sha256, export.filters) == ("done", result["sha256"], {"method": "simulation"})
    assert Action.objects.get().verb == "export"


@pytest.mark.parametrize("layout", ["code_feedback", "openai", "sharegpt"])
def test_an_export_can_be_made_again_byte_for_byte_from_its_row(tmp_path, layout):
    an_approved_dialogue(), an_approved_dialogue()
    run_command("export", tmp_path / "a.jsonl", "--layout", layout)
    assert b"".join(lines_again(Export.objects.get())) == (tmp_path / "a.jsonl").read_bytes()


def test_the_other_layouts_have_no_further_keys(tmp_path):
    dialogue = an_approved_dialogue("Why?", "Because.")
    run_command("export", tmp_path / "o.jsonl", "--layout", "openai")
    run_command("export", tmp_path / "s.jsonl", "--layout", "sharegpt")
    assert records(tmp_path / "o.jsonl") == [
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]}
    ]
    assert records(tmp_path / "s.jsonl") == [
        {
            "id": str(dialogue.pk),
            "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}],
        }
    ]


def test_filters_choose_by_method_and_by_source_of_the_dialogue_or_its_seeds(tmp_path):
    imported = an_approved_dialogue(method="imported", source=a_source("here"))
    built = an_approved_dialogue(method="packing")
    Seed.objects.create(dialogue=built, position=0, query=a_query(source=a_source("here")), use="packing")
    an_approved_dialogue()
    file = tmp_path / "a.jsonl"
    run_command("export", file, "--source", "here")
    assert [record["id"] for record in records(file)] == [imported.pk, built.pk]
    run_command("export", file, "--source", "here", "--method", "packing")
    assert [record["id"] for record in records(file)] == [built.pk]


def test_what_breaks_a_rule_is_refused_listed_and_not_written(tmp_path):
    good, without, broken, changed = (
        an_approved_dialogue(),
        a_dialogue(state=State.APPROVED),
        an_approved_dialogue(),
        an_approved_dialogue(),
    )
    text = '[{"content":"Only","role":"user"}]'
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    Version.objects.filter(dialogue=broken).update(messages=text, sha256=sha256)
    Version.objects.filter(dialogue=changed).update(messages=text)
    file = tmp_path / "a.jsonl"
    exported = run_command("export", file)
    assert exported.exit_code == 0
    assert (exported.result["dialogues"], exported.result["refused"]) == (1, 3)
    assert [record["id"] for record in records(file)] == [good.pk]
    assert f"dialogue {without.pk} refused: approved, but no version" in exported.said
    assert f"dialogue {broken.pk} refused: the last message is the user's" in exported.said
    assert f"dialogue {changed.pk} refused: version 1" in exported.said and "hash differs" in exported.said


def test_nothing_approved_gives_an_empty_file_and_says_so(tmp_path):
    exported = run_command("export", tmp_path / "a.jsonl")
    assert exported.exit_code == 0 and exported.result["dialogues"] == 0
    assert "nothing is approved" in exported.said and (tmp_path / "a.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("file", "arguments", "complaint"),
    [
        ("missing/a.jsonl", [], "mkdir -p"),
        (".", [], "is a folder"),
        ("a.jsonl", ["--source", "nowhere"], "no such source"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, file, arguments, complaint):
    refused = run_command("export", tmp_path / file, *arguments)
    assert refused.exit_code == 2 and complaint in refused.said
    assert not Export.objects.exists() and not list(tmp_path.iterdir())


def test_a_failed_export_keeps_the_old_file_and_says_why(tmp_path):
    from dialogues.exporting import Choice, export_dialogues

    an_approved_dialogue()
    file = tmp_path / "a.jsonl"
    file.write_text("old")

    def stopping(found):
        yield next(found)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        export_dialogues(file, layout="openai", choice=Choice(), by=None, watch=stopping)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"] and file.read_text() == "old"
    assert (Export.objects.get().state, Export.objects.get().error) == ("failed", "OSError: no space left")


def test_nothing_is_marked_as_exported_before_the_export_is_done(tmp_path, monkeypatch):
    from dialogues import exporting

    dialogue = an_approved_dialogue()

    def stop(*args, **options):
        raise OSError("the database is full")

    with monkeypatch.context() as patched:
        patched.setattr(exporting, "record", stop)
        with pytest.raises(OSError, match="full"):
            run_command("export", tmp_path / "a.jsonl")
    dialogue.refresh_from_db()
    assert not dialogue.exported
    assert not Export.objects.filter(state="done").exists()


def test_what_killed_exports_left_unmarked_is_marked_by_the_next_and_by_the_clock(tmp_path):
    first, second = an_approved_dialogue(method="packing"), an_approved_dialogue()
    for method in ("packing", "simulation"):
        run_command("export", tmp_path / f"{method}.jsonl", "--method", method)
    assert not Export.objects.filter(marked=False).exists()
    for mend in (lambda: run_command("export", tmp_path / "b.jsonl", "--method", "correction"), tend):
        # As if each worker had been killed between its two transactions.
        Export.objects.update(marked=False)
        Dialogue.objects.update(exported=False)
        Dialogue.objects.filter(pk=first.pk).update(state=State.WITHDRAWN, approved_version=None)
        mend()
        assert set(Dialogue.objects.filter(exported=True)) == {first, second}


def test_a_killed_writer_leaves_no_half_file(tmp_path):
    program = (
        "import os, signal, sys, pathlib\n"
        "from dialogues.files import whole_file\n"
        "with whole_file(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'half a line')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.jsonl")], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_reading_goes_by_key_in_blocks(tmp_path, django_assert_max_num_queries):
    for _ in range(8):
        an_approved_dialogue()
    with django_assert_max_num_queries(13):
        assert run_command("export", tmp_path / "a.jsonl").result["dialogues"] == 8
    assert Dialogue.objects.approved().count() == 8
