"""A file of no known layout, read by the fields that a person names."""

import json

import pytest

from curation.intake.importing import import_queries, preview_queries
from curation.intake.mapping import BadMapping, checked_mapping, layout_of, parsed_mapping
from curation.intake.previewing import sample_of
from curation.intake.records import BadRecord, BrokenFile
from curation.models import ImportBatch, Query, Sighting
from tests.running import run_command

PAIRS = {"text": "prompt", "response": "output"}


@pytest.fixture
def file(tmp_path):
    def write(*records, name="forum.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in records))
        return path

    return write


@pytest.mark.parametrize(
    ("line", "mapping"),
    [
        ("text=prompt,response=output", PAIRS),
        (" response = output , text = prompt ", PAIRS),
        ('"text=Question, short",response=a=b', {"text": "Question, short", "response": "a=b"}),
        ("tags=t,id=n,text=q,response=a", {"text": "q", "response": "a", "id": "n", "tags": "t"}),
    ],
)
def test_a_mapping_is_read_as_it_is_written(line, mapping):
    assert list(parsed_mapping(line).items()) == list(mapping.items())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "says nothing of text and response; add text=FIELD"),
        ("text=prompt", "says nothing of response; add response=FIELD"),
        ("text", "'text': write target=field"),
        ("prompt=text,response=output", "'prompt', which is no target; choose from text, response, language, id, tags"),
        ("text=a,text=b,response=c", "names text twice: 'a' and 'b'"),
        ("text=,response=c", "mapping of text: name a field"),
        ("text=a\x00,response=c", "holds a character"),
        ("text=a\rb,response=c", "goes over several lines"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(line, message):
    with pytest.raises(BadMapping) as refusal:
        parsed_mapping(line)

    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("mapping", "record", "found"),
    [
        ({}, {"prompt": "Q", "output": "A"}, ("Q", "A", "", "", [])),
        ({"text": "x.q", "response": "x.a.0"}, {"x": {"q": "Q", "a": ["A", "B"]}}, ("Q", "A", "", "", [])),
        ({"text": "x.q"}, {"x.q": "flat", "x": {"q": "deep"}, "output": "A"}, ("flat", "A", "", "", [])),
        (
            {"language": "lang", "id": "meta.n", "tags": "topics"},
            {"prompt": "Q", "output": "A", "lang": "py", "meta": {"n": 7}, "topics": ["a", " ", "b"]},
            ("Q", "A", "py", "7", ["a", "b"]),
        ),
        ({"tags": "topic"}, {"prompt": "Q", "output": "A", "topic": "sql"}, ("Q", "A", "", "", ["sql"])),
        ({"tags": "topic", "id": "n"}, {"prompt": "Q", "output": "A", "topic": None}, ("Q", "A", "", "", [])),
    ],
)
def test_a_record_is_read_by_the_fields_that_the_mapping_names(mapping, record, found):
    query = layout_of(checked_mapping(PAIRS | mapping)).read(record)

    assert (query.text, query.response, query.language, query.external_id, query.tags) == found


@pytest.mark.parametrize(
    ("mapping", "record", "reason"),
    [
        ({}, {"prompt": "Q"}, "field 'output' is missing"),
        ({"text": "x.q"}, {"x": "Q", "output": "A"}, "field 'x.q' is missing"),
        ({"text": "x.1"}, {"x": ["Q"], "output": "A"}, "field 'x.1' is missing"),
        ({}, {"prompt": None, "output": "A"}, "field 'prompt' is null, not text"),
        ({}, {"prompt": "Q", "output": ["A"]}, "field 'output' is a list, not text"),
        ({"tags": "t"}, {"prompt": "Q", "output": "A", "t": [1]}, "field 't' is a list, not a list of texts"),
        ({"id": "n"}, {"prompt": "Q", "output": "A", "n": {}}, "field 'n' is an object, not an id"),
    ],
)
def test_a_record_without_what_the_mapping_names_is_refused(mapping, record, reason):
    with pytest.raises(BadRecord) as refusal:
        layout_of(checked_mapping(PAIRS | mapping)).read(record)

    assert reason in str(refusal.value)


def test_a_preview_shows_what_an_import_would_make_of_the_first_records(file):
    records = [{"prompt": f"Question {n}", "output": "```go\nx\n```", "meta": {"by": "me"}} for n in range(150)]
    records[1] = {"prompt": "no answer"}

    seen = preview_queries(file(*records), mapping=PAIRS)

    assert (seen.layout, seen.taken, seen.rejected_count, seen.is_whole) == ("mapped", 99, 1, False)
    assert seen.fields == {"prompt": "Question 0", "output": "```go\nx\n```", "meta.by": "me"}
    assert [(row.text, row.language) for row in seen.rows[:2]] == [("Question 0", "go"), ("Question 2", "go")]
    assert [(one.line, one.reason) for one in seen.rejected] == [
        (2, "field 'output' is missing; add it or remove the record")
    ]


def test_a_preview_finds_the_first_record_that_can_be_read_wherever_it_stands(tmp_path):
    path, bad = tmp_path / "late.jsonl", "{not json}\n" * 250
    good = "".join(json.dumps({"prompt": f"Question {n}", "output": "x"}) + "\n" for n in range(3))
    path.write_text(bad + good + "{nor this}\n")

    seen = preview_queries(path, mapping=PAIRS)

    assert (seen.taken, seen.rejected_count, seen.looked_at, seen.is_whole) == (3, 251, 254, True)
    assert [one.line for one in seen.rejected] == [1, 2, 3, 4, 5]
    assert len(sample_of(path).found) == 104
    path.write_text(bad + good * 100)
    seen = preview_queries(path, mapping=PAIRS)
    assert (seen.taken, seen.rejected_count, seen.is_whole) == (100, 250, False)
    path.write_text(bad)
    with pytest.raises(BrokenFile, match=r"^none of its records can be read; line 1: not JSON"):
        sample_of(path)


@pytest.mark.django_db
def test_a_file_whose_first_records_cannot_be_read_gives_the_rest(tmp_path):
    path = tmp_path / "late.jsonl"
    good = ({"instruction": f"Question {n}", "output": "x"} for n in range(3))
    path.write_text("{not json}\n" * 101 + "".join(json.dumps(one) + "\n" for one in good))
    ran = run_command("import_queries", path, "--source", "late")
    assert (ran.exit_code, ran.result["accepted"], ran.result["rejected"]) == (0, 3, 101)


def test_a_column_with_a_dot_in_its_name_can_be_mapped(file):
    path = file("question;best.body", "Sort, please;sorted(x)", name="forum.csv")

    seen = preview_queries(path, mapping={"text": "question", "response": "best.body"})

    assert [(row.text, row.response) for row in seen.rows] == [("Sort, please", "sorted(x)")]


def test_a_preview_says_why_there_is_no_layout_and_which_fields_there_are(file):
    seen = preview_queries(file({"prompt": "Q", "best": {"body": "A", "votes": [1]}}))

    assert (seen.layout, seen.looked_at, seen.is_whole) == ("", 0, True)
    assert seen.fields == {"prompt": "Q", "best.body": "A", "best.votes": "(a list)"}
    assert seen.why_no_layout.startswith("no known layout; fields seen: best, prompt. Name its fields (--map text=…")


@pytest.mark.django_db
def test_the_command_shows_the_mapping_at_work_and_keeps_it_on_the_batch(file):
    path = file({"prompt": "Q \x1b[2J", "best": {"body": "A"}, "n": 4}, {"prompt": "no answer"})

    ran = run_command("import_queries", path, "--source", "forum", "--map", "text=prompt,response=best.body,id=n")

    assert (ran.exit_code, ran.result["accepted"], ran.result["rejected"]) == (0, 1, 1)
    assert "forum.jsonl: layout mapped; of the 2 records 1 would be taken, 1 rejected" in ran.said
    assert "fields: prompt, best.body, n" in ran.said
    assert "unknown language: Q \\x1b[2J → A" in ran.said
    assert "line 2: field 'best.body' is missing" in ran.said
    batch = ImportBatch.objects.get()
    assert (batch.layout, batch.mapping) == ("mapped", {"text": "prompt", "response": "best.body", "id": "n"})
    assert Sighting.objects.get().external_id == "4"


@pytest.mark.django_db
def test_a_mapping_under_which_nothing_is_taken_stops_before_the_import(file):
    path = file(*({"prompt": f"Q {n}", "output": 5} for n in range(120)))

    ran = run_command("import_queries", path, "--source", "forum", "--map", "text=prompt,response=output")

    assert ran.exit_code == 2
    assert "of the 100 first records 0 would be taken, 100 rejected" in ran.said
    assert "line 1: field 'output' is a number, not text" in ran.said
    assert "every record that was looked at is rejected; nothing is imported" in ran.said
    assert not ImportBatch.objects.exists()
    assert not Query.objects.exists()


@pytest.mark.django_db
def test_the_command_names_what_a_mapping_may_hold(file):
    ran = run_command("import_queries", file({"prompt": "Q"}), "--source", "forum", "--map", "question=prompt")

    assert ran.exit_code == 2
    assert "--map: mapping names 'question', which is no target; choose from text, response, language" in ran.said


@pytest.mark.django_db
def test_a_stopped_import_goes_on_only_under_the_same_mapping(file):
    path = file(*({"prompt": f"Task {n}", "output": f"{n} first", "other": "x" * 900} for n in range(2000)))
    seen = []

    def stop(position):
        seen.append(position)
        if len(seen) == 4:
            raise OSError("disk gone")

    def take(response, **options):
        mapping = checked_mapping({"response": response, "text": "prompt"})
        return import_queries(path, source="forum", mapping=mapping, by=None, **options)

    with pytest.raises(OSError, match="disk gone"):
        take("output", on_bytes=stop)
    left = ImportBatch.objects.get()
    assert 0 < left.read < 2000

    other, same = take("other"), take("output")

    assert same == left
    assert other != left
    assert (same.read, same.state, other.read) == (2000, "done", 2000)
