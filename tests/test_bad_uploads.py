"""Malformed, hostile and odd files through the browser: a message with the remedy, or the counts they should have."""

import pytest

from curation.models import ImportBatch
from tests.test_bad_files import ODDLY_NAMED, TAKEN, TAKEN_IN_PART
from tests.uploading import counts, words, work

# By command the same files go to both databases (test_bad_files.py).
pytestmark = [
    *(pytest.mark.once, pytest.mark.django_db),
    *(pytest.mark.needs("sample_pool"), pytest.mark.usefixtures("folder")),
]

# Through the browser a file goes to the import that fits it, so that files of dialogues are taken too.
REFUSED = {
    "gzip_bomb_100MB.jsonl.gz": "unpacks to more than 200 times its size",
    "utf16.jsonl": "convert it to UTF-8",
    "latin1.jsonl": "line 1: byte 0xfc is not UTF-8",
    "cr_only.jsonl": "more than one JSON value on the line",
    "concatenated_objects.jsonl": "more than one JSON value on the line",
    "empty_object.json": "no known layout; fields seen: none",
    "wrapped.json": "give that list as a file of its own",
    "csv_unclosed_quote.csv": "is not CSV",
    "png_named.jsonl": "not text",
    "renamed_zip.parquet": "a zip archive",
    "empty.jsonl": "the file is empty",
    "only_newlines.jsonl": "the file is empty",
    "empty_array.json": "the file is empty",
}
DIALOGUES = {
    "html_injection_dialogue.jsonl": (16, 16, 0, 0),
    "dialogue_200_turns.jsonl": (1, 1, 0, 0),
    "hostile_code.jsonl": (22, 22, 0, 0),
    "code_fences.jsonl": (19, 19, 0, 0),
}
COUNTED = {name: row[1:5] for name, row in (TAKEN | TAKEN_IN_PART).items() if row[1]} | DIALOGUES
# Twenty thousand records say nothing here that the command has not said.
COUNTED.pop("many_20k.jsonl.gz")


def content_of(folder, name):
    if name in ODDLY_NAMED:
        records = (folder / "ok_control.jsonl").read_bytes().splitlines(keepends=True)
        return b"".join(records[: ODDLY_NAMED[name]])
    return (folder / name).read_bytes()


@pytest.mark.parametrize("name", [*COUNTED, *REFUSED])
def test_bad_files_get_through_the_browser_what_they_should(pool, send, reading, curator_client, name):
    response = send(name, content_of(pool / "probes" / "bad", name))
    if response.status_code == 302:
        assert curator_client.get(response.url).status_code == 200
        response = reading()
    if name in REFUSED:
        assert response.status_code == 422
        assert REFUSED[name] in words(response)
        assert not ImportBatch.objects.exists()
        return
    assert response.status_code == 302, words(response)
    work()
    batch = ImportBatch.objects.get()
    assert counts(batch) == COUNTED[name]
    page = curator_client.get(batch.get_absolute_url())
    first = batch.rejected_records.first()
    assert first is None or f"{first.line} {first.reason}"[:60] in words(page)
