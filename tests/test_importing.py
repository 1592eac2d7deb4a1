"""Claims about importing queries: once each, every sighting kept, every refusal explained."""

import gzip
import json
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Action
from curation.intake.batches import BadSource
from curation.intake.importing import import_queries
from curation.models import ImportBatch, Query, RejectedRecord, Sighting, Source
from tests.running import run_command

pytestmark = pytest.mark.django_db


def evol(number, output="```python\nprint(1)\n```"):
    return {"instruction": f"Task number {number}: write a function.", "output": output}


@pytest.fixture
def file(tmp_path):
    def write(name, *records, raw=""):
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(one) for one in records) + raw)
        return path

    return write


def take(path, source="sample", **options):
    return import_queries(path, source=source, by=None, **options)


def counts(batch):
    return batch.read, batch.accepted, batch.duplicates, batch.rejected


def test_queries_come_in_with_their_language_source_and_first_response(file):
    batch = take(file("a.jsonl", evol(1), evol(2, "SELECT 1")))

    assert counts(batch) == (2, 2, 0, 0)
    first, second = Query.objects.order_by("pk")
    assert (first.text, first.language, first.source.slug) == (evol(1)["instruction"], "python", "sample")
    assert (second.response, second.language, second.stage) == ("SELECT 1", "", "unscored")
    assert (batch.state, batch.layout, len(batch.sha256)) == ("done", "evol_instruct_code", 64)


def test_the_first_response_stays_and_a_sighting_holds_the_one_that_differs(file):
    text = evol(1)["instruction"]
    same_but_for_spaces = {"instruction": f"  {text.replace(' ', chr(10))}\u200b ", "output": "another answer"}

    batch = take(file("a.jsonl", evol(1), same_but_for_spaces, evol(1)))

    assert counts(batch) == (3, 1, 2, 0)
    assert Query.objects.get().text == text
    assert list(Sighting.objects.values_list("line", "response")) == [(1, None), (2, "another answer"), (3, None)]


def test_duplicates_are_found_across_sources_and_layouts(file):
    take(file("a.jsonl", evol(1)), source="one")
    exchange = [{"from": "human", "value": evol(1)["instruction"]}, {"from": "gpt", "value": "Other."}]

    batch = take(file("b.jsonl", {"id": "5", "conversations": exchange}), source="two")

    assert counts(batch) == (1, 0, 1, 0)
    assert Query.objects.get().source.slug == "one"
    assert Sighting.objects.get(batch=batch).external_id == "5"
    assert Sighting.objects.get(batch=batch).response == "Other."


def test_an_input_that_only_some_records_hold_belongs_to_their_text(file):
    given = [{"instruction": "Sort this list.", "input": f"[{n}, 2]", "output": "x"} for n in range(2)]

    batch = take(file("a.jsonl", *(evol(n) for n in range(3)), *given))

    assert (batch.layout, counts(batch)) == ("evol_instruct_code", (5, 5, 0, 0))
    assert Query.objects.filter(text="Sort this list.\n[1, 2]").count() == 1


def test_case_and_compatibility_forms_make_another_query(file):
    batch = take(
        file("a.jsonl", *({"instruction": text, "output": "x"} for text in ("Sort A", "sort a", "Sort \uff21")))
    )

    assert counts(batch) == (3, 3, 0, 0)


def test_importing_the_same_file_again_changes_only_sightings(file):
    path = file("a.jsonl", evol(1), evol(2), evol(1, "Other."), raw="\n{bad")
    take(path)
    before = list(Query.objects.values())

    batch = take(path)

    assert counts(batch) == (4, 0, 3, 1)
    assert list(Query.objects.values()) == before
    assert Sighting.objects.filter(batch=batch).count() == 3


def test_a_bad_record_is_rejected_with_line_reason_and_excerpt(file):
    batch = take(file("a.jsonl", evol(1), {"instruction": "Q", "output": {"code": 1}}, raw="\n\n{bad\x00"))

    assert counts(batch) == (3, 1, 0, 2)
    assert list(RejectedRecord.objects.values_list("line", "reason", "excerpt")) == [
        (
            2,
            "field 'output' is an object, not text; write it as text or remove the record",
            '{"instruction": "Q", "output": {"code": 1}}',
        ),
        (
            4,
            "not JSON: Expecting property name enclosed in double quotes at column 2; mend or remove the record",
            "{bad\ufffd",
        ),
    ]


def test_nul_and_lone_surrogates_become_replacement_characters(file):
    batch = take(file("a.jsonl", {"instruction": "a\x00b \ud800", "output": "c\x00"}))

    assert counts(batch) == (1, 1, 0, 0)
    assert Query.objects.get().text == "a\ufffdb \ufffd"
    assert Query.objects.get().response == "c\ufffd"


@pytest.mark.parametrize("how", [(), ("--map", "text=a,response=b")])
def test_names_that_cannot_be_encoded_are_said_replaced(tmp_path, how):
    path = tmp_path / "gr\udcf6.jsonl"
    path.write_text('{"\\ud800": 1}')

    ran = run_command("import_queries", path, "--source", "odd", *how)

    assert (ran.exit_code, ran.result["files"][0]["file"]) == (2, "gr\ufffd.jsonl")
    assert "\\ud800" in ran.said or "fields: \ufffd" in ran.said
    assert str(ran.result).encode()  # standard output takes nothing else


def test_the_counts_add_up_when_the_file_breaks_off(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps([evol(n % 400) for n in range(700)])[:-40])

    batch = take(path)

    assert counts(batch) == (699, 400, 299, 0)
    assert (batch.state, batch.error) == ("failed", "the array is cut off in record 700; get the file again")
    assert batch.finished_at is not None


def test_a_failure_in_the_middle_leaves_what_was_counted_and_no_running_batch(file):
    seen = []

    def fail_late(position):
        seen.append(position)
        if len(seen) > 2:
            raise OSError("disk gone")

    path = file("a.jsonl", *(evol(n, "x" * 1000) for n in range(2000)))
    with pytest.raises(OSError, match="disk gone"):
        take(path, on_bytes=fail_late)

    batch = ImportBatch.objects.get()
    assert batch.state == "failed"
    assert batch.read == batch.accepted == Query.objects.count() > 0


def test_an_import_asks_the_database_by_the_chunk_and_not_by_the_record(file):
    path = file("a.jsonl", *(evol(n) for n in range(500)))

    for _ in ("all new", "all duplicates"):
        with CaptureQueriesContext(connection) as asked:
            take(path)
        assert len(asked) < 50


def test_an_import_leaves_an_action_that_names_the_file(file, curator):
    import_queries(file("a.jsonl", evol(1)), source="sample", by=curator)

    action = Action.objects.get()
    assert (action.verb, action.by, action.note) == ("import queries", curator, "a.jsonl into sample")


def test_an_empty_file_makes_no_batch_and_no_source(file):
    assert take(file("empty.jsonl", raw="\n\n")) is None
    assert not Source.objects.exists()


def test_a_slug_that_is_none_is_refused(file):
    with pytest.raises(BadSource, match="use letters, digits"):
        take(file("a.jsonl", evol(1)), source="my pool")


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_texts_at_once_store_each_text_once(file):
    path = file("a.jsonl", *(evol(n) for n in range(1200)))

    def run():
        try:
            take(path)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Query.objects.count() == 1200
    batches = list(ImportBatch.objects.all())
    assert sum(batch.accepted for batch in batches) == 1200
    assert all(batch.read == 1200 and batch.state == "done" for batch in batches)


def test_the_command_prints_one_line_per_file_and_the_totals(file):
    first, second = file("a.jsonl", evol(1), evol(2)), file("b.jsonl", evol(2), raw="\n{bad")

    ran = run_command("import_queries", first, second, "--source", "sample")

    assert ran.exit_code == 0
    assert {name: ran.result[name] for name in ("read", "accepted", "duplicates", "rejected")} == {
        "read": 4,
        "accepted": 2,
        "duplicates": 1,
        "rejected": 1,
    }
    assert [one["file"] for one in ran.result["files"]] == ["a.jsonl", "b.jsonl"]
    assert "a.jsonl: 2 read, 2 accepted, 0 duplicates, 0 rejected" in ran.said
    assert "2 files: 4 read, 2 accepted, 1 duplicate, 1 rejected" in ran.said
    assert "b.jsonl, line 2: not JSON" in ran.said


def test_the_command_refuses_one_file_and_takes_the_others(file):
    dialogues = file("chat.jsonl", {"messages": [{"role": "user", "content": "Hi"}]})

    ran = run_command("import_queries", dialogues, file("a.jsonl", evol(1)), "--source", "sample")

    assert ran.exit_code == 2
    assert "chat.jsonl: this file holds dialogues; use import_dialogues" in ran.said
    assert ran.result["accepted"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("/nowhere/a.jsonl", "--source", "x"), "no such file"), (("{file}", "--source", "not a slug"), "use letters")],
)
def test_the_command_names_a_bad_argument_and_exits_2(file, arguments, message):
    path = file("a.jsonl", evol(1))

    ran = run_command("import_queries", *(str(one).format(file=path) for one in arguments))

    assert ran.exit_code == 2
    assert message in ran.said


def test_an_empty_file_is_no_error(file):
    ran = run_command("import_queries", file("empty.jsonl"), "--source", "sample")

    assert (ran.exit_code, ran.result["read"]) == (0, 0)
    assert "empty.jsonl: empty, nothing to import" in ran.said


def test_a_stated_layout_is_taken_at_its_word(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({"instruction": "Q", "input": "", "output": "A"}).encode()))

    ran = run_command("import_queries", path, "--source", "sample", "--layout", "magicoder_evol")

    assert (ran.exit_code, ran.result["rejected"]) == (0, 1)
    assert "field 'response' is missing" in ran.said
