"""From the browser into the pool: streamed to disk below a limit, looked at, mapped, imported once by a worker."""

import gzip
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from curation.models import BenchmarkTask, ImportBatch, Problem, Query, Upload
from dialogues.models import Dialogue
from tests.uploading import EVOL, counts, lines, words, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def test_a_file_is_looked_at_started_imported_and_gone(send, reading, curator_client, folder, curator):
    response = send("evol.jsonl", lines(EVOL, EVOL, {"instruction": "No answer."}))
    upload = Upload.objects.get()
    assert (response.status_code, response.url) == (302, f"/uploads/{upload.pk}/")
    assert [path.name for path in folder.iterdir()] == [upload.key]

    said = words(curator_client.get(response.url))
    assert "Queries, layout evol instruct code. Of the 3 records, 2 would be taken and 1 rejected." in said
    assert "Line 3: field 'output' is missing" in said
    assert "Query Sort a list. Answer sorted(x)" in said
    assert not ImportBatch.objects.exists()

    started = reading()
    batch = ImportBatch.objects.get()
    assert (started.status_code, started.url) == (302, batch.get_absolute_url())
    assert (batch.state, batch.by, batch.file_name) == ("queued", curator, "evol.jsonl")
    assert "Waits for the worker for jobs" in words(curator_client.get(started.url))

    work()
    work()  # a doubled message changes nothing
    batch = ImportBatch.objects.get()
    assert (batch.standing, counts(batch)) == ("done", (3, 1, 1, 1))
    assert (Upload.objects.count(), list(folder.iterdir())) == (0, [])
    page = curator_client.get(batch.get_absolute_url())
    assert "Line Reason Excerpt 3 field 'output' is missing" in words(page)
    assert "data-poll" not in page.content.decode()


@pytest.mark.parametrize(
    ("record", "holds", "model"),
    [
        (
            {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]},
            "dialogues",
            Dialogue,
        ),
        (
            {"question": "Add two numbers.", "solutions": '["print(1)"]', "input_output": "{}", "name": "add"},
            "problems",
            Problem,
        ),
        (
            {
                "task_id": "D/0",
                "prompt": "def f():",
                "canonical_solution": " return 1",
                "test": "t",
                "entry_point": "f",
            },
            "benchmark",
            BenchmarkTask,
        ),
    ],
)
def test_what_a_file_holds_is_told_from_its_content(send, reading, curator_client, record, holds, model):
    page = words(curator_client.get(send("x.txt", lines(record)).url))
    assert "1 record, 1 would be taken and 0 rejected" in page

    assert reading(source="given").status_code == 302
    work()

    batch = ImportBatch.objects.get()
    assert (batch.holds, batch.source.slug, batch.state, counts(batch)) == (holds, "given", "done", (1, 1, 0, 0))
    assert model.objects.count() == 1
    assert curator_client.get(batch.get_absolute_url()).status_code == 200


def test_unknown_fields_are_mapped(send, reading, curator_client):
    page = words(curator_client.get(send("odd.csv", "frage,antwort,sprache\nSort?,sorted(x),Python\n").url))
    assert "no known layout; fields seen: antwort, frage, sprache" in page
    refused = reading()
    assert (refused.status_code, ImportBatch.objects.count()) == (422, 0)
    assert "no known layout" in words(refused)

    half = reading("look", map_text="frage")
    assert (half.status_code, "mapping says nothing of response" in words(half)) == (422, True)
    wrong = reading(map_text="frage", map_response="antwrt")
    assert "by this mapping every record that was looked at is rejected; record 1: field" in words(wrong)
    looked = reading("look", map_text="frage", map_response="antwort", map_language="sprache")
    shown = words(curator_client.get(looked.url))
    assert "layout mapped. Of the 1 record, 1 would be taken" in shown
    assert 'value="antwort"' in curator_client.get(looked.url).content.decode()

    assert reading(map_text="frage", map_response="antwort", map_language="sprache").status_code == 302
    work()
    assert (Query.objects.get().language, ImportBatch.objects.get().mapping["text"]) == ("python", "frage")


def test_the_limit_is_counted_while_the_file_streams_and_named(send, settings, folder, curator_client):
    settings.UPLOAD_LIMIT_BYTES = 200_000
    assert "up to 200 kB" in words(curator_client.get("/imports/new/"))

    response = send("big.jsonl", lines(EVOL) * 10_000)

    assert response.status_code == 422
    assert "big.jsonl: larger than 200 kB, which is the limit for a file from the browser" in words(response)
    assert (Upload.objects.count(), list(folder.iterdir())) == (0, [])
    assert send("small.jsonl", lines(EVOL)).status_code == 302


def test_an_announced_length_that_lies_cuts_the_file_off_and_keeps_nothing(curator_client, folder, settings):
    settings.UPLOAD_LIMIT_BYTES = 50_000
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
    body = head + lines(EVOL).encode() * 5_000 + b"\r\n--x--\r\n"
    for announced in (100, len(body) - 10, len(body) * 2):
        response = curator_client.generic(
            "POST",
            "/imports/new/",
            content_type="multipart/form-data; boundary=x",
            **{"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(announced)},
        )
        assert response.status_code in (400, 422)
        assert not Upload.objects.exists()
        assert not folder.exists() or list(folder.iterdir()) == []


def test_a_form_without_its_token_keeps_nothing(curator, folder):
    client = Client(enforce_csrf_checks=True)
    client.force_login(curator, backend="django.contrib.auth.backends.ModelBackend")
    file = SimpleUploadedFile("a.jsonl", lines(EVOL).encode())
    client.get("/imports/new/")
    assert client.post("/imports/new/", {"file": file}).status_code == 403
    assert list(folder.iterdir()) == []


def test_nobody_below_a_curator_sends_a_byte(reviewer_client, folder):
    for client in (reviewer_client, Client()):
        response = client.post("/imports/new/", {"file": SimpleUploadedFile("a.jsonl", lines(EVOL).encode())})
        assert response.status_code in (302, 403)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty: it holds no record"),
        (gzip.compress(lines(EVOL).encode(), mtime=0)[:-20], "gzip ended early"),
        (b"\x89PNG\r\n", "not text"),
    ],
    ids=["empty", "blank", "cut off", "picture"],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(send, folder, content, message):
    response = send("a.jsonl", content)
    assert response.status_code == 422
    assert message in words(response)
    assert (Upload.objects.count(), list(folder.iterdir())) == (0, [])


LATIN_1 = [{"instruction": "Parse a date.", "output": "x"}, {"instruction": "Größe", "output": "y"}]
DIALOGUE = '{"id": "\\ud800", "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("instruction,output\nParse a date.,x\nGröße,y\n".encode("latin-1"), "Record 2: byte 0xf6 is not UTF-8"),
        (json.dumps(LATIN_1, ensure_ascii=False).encode("latin-1"), "Record 2: byte 0xf6 is not UTF-8"),
        (lines({"\ud800": {"\ud801": "\ud802"}}), r"fields seen: \ud800. Name"),
        (lines({"instruction": "\ud800 Sort.", "output": "x"}), "Query \ufffd Sort. Answer x"),
        (lines({"question": "\ud800 Add.", "solutions": "[]", "input_output": "{}"}), "Problem \ufffd Add."),
        (DIALOGUE, "Id \ufffd"),
    ],
    ids=["Latin-1 CSV", "Latin-1 array", "field name", "query", "problem", "id"],
)
def test_what_cannot_be_encoded_is_shown_replaced(send, curator_client, content, said):
    page = curator_client.get(send("odd.txt", content).url)

    assert page.status_code == 200
    assert said in words(page)


@pytest.mark.parametrize(
    ("content", "unit", "place"),
    [("instruction,output\nA,B\nC\n", "record", "record 2"), (lines(EVOL, 5), "line", "2")],
)
def test_records_are_numbered_by_their_lines_or_by_themselves(send, reading, curator_client, content, unit, place):
    preview = words(curator_client.get(send("a.txt", content).url))
    reading()
    work()

    batch = ImportBatch.objects.get()
    reason = batch.rejected_records.get().reason
    assert f"{unit.capitalize()} 2: {reason}" in preview
    assert str(batch.rejected_records.get()) == f"{unit} 2: {reason}"
    assert f"{unit.capitalize()} Reason Excerpt 2 {reason}" in words(curator_client.get(batch.get_absolute_url()))
    assert f"a.txt {place} rejected {reason}" in words(curator_client.get("/imports/lines/?kind=rejected"))
    assert f", {unit} 1 sample" in words(curator_client.get(Query.objects.get().get_absolute_url()))


@pytest.mark.parametrize("slug", ["", "no spaces", "x" * 65])
def test_a_source_needs_a_name(send, reading, slug):
    send("a.jsonl", lines(EVOL))
    assert reading(source=slug).status_code == 422
    assert not ImportBatch.objects.exists()


def test_a_removed_file_is_gone(send, curator_client, folder):
    send("a.jsonl", lines(EVOL))
    curator_client.post(f"/uploads/{Upload.objects.get().pk}/discard/")
    assert (Upload.objects.count(), list(folder.iterdir())) == (0, [])


def test_the_same_file_is_not_imported_twice_at_once(send, reading, curator_client):
    send("a.jsonl", lines(EVOL))
    reading()
    send("again.jsonl", lines(EVOL))
    second = reading()
    assert "the same file is being imported into sample already" in words(second)
    work()
    assert reading().status_code == 302
    work()
    assert [counts(batch) for batch in ImportBatch.objects.order_by("pk")] == [(1, 1, 0, 0), (1, 0, 1, 0)]
