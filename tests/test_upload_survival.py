"""Imports of files from the browser that end early: a killed worker, a button, and what nobody wants any more."""

import os

import pytest

from curation.holding import batch_lock, hold
from curation.intake.importing import import_queries
from curation.models import ImportBatch, Source, Upload
from dialogues import uploading
from tests.uploading import EVOL, counts, lines, words, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


class Killed(BaseException):
    """What ends an import without its leave."""


@pytest.fixture
def half_done(send, reading, curator_client):
    """An import whose worker was killed in the middle: its batch says running, and nobody holds it."""
    records = [{"instruction": f"Task {n}.", "output": "x" * 900} for n in range(2000)]
    send("long.jsonl", lines(*records))
    reading()
    upload, batch = Upload.objects.get(), ImportBatch.objects.get()

    def die(position):
        if position > 1_000_000:
            raise Killed

    with pytest.raises(Killed):
        import_queries(upload.path, source="sample", by=None, on_bytes=die)
    ImportBatch.objects.update(state="running", error="")
    batch.refresh_from_db()
    assert 0 < batch.read < 2000
    return batch


def test_a_killed_import_goes_on_at_its_place_by_the_sweep(half_done, curator_client):
    page = words(curator_client.get(half_done.get_absolute_url()))
    assert "stopped" in page and "Its worker has died" in page
    assert uploading.unheard_of() == []  # its worker was told a moment ago
    Upload.objects.update(handed_at="2020-01-01T00:00Z")
    assert uploading.unheard_of() == [Upload.objects.get().pk]
    assert uploading.unheard_of() == []

    work()

    batch = ImportBatch.objects.get()
    assert (batch.standing, counts(batch)) == ("done", (2000, 2000, 0, 0))
    assert not Upload.objects.exists()


def test_a_stopped_import_says_so_and_goes_on_at_the_press_of_a_button(half_done, curator_client):
    upload = Upload.objects.get()
    Upload.objects.update(attempts=uploading.ATTEMPTS)
    work()
    page = words(curator_client.get(half_done.get_absolute_url()))
    assert "stopped: its worker died 5 times in a row" in page
    assert f"Stopped after record {half_done.read:,}" in page and "Go on" in page

    curator_client.post(f"/imports/{half_done.pk}/go-on/")
    work()

    assert counts(ImportBatch.objects.get()) == (2000, 2000, 0, 0)
    assert not upload.path.exists()


def test_a_stopped_import_of_the_command_line_says_how_to_go_on(curator_client):
    source = Source.objects.create(slug="sample")
    batch = ImportBatch.objects.create(source=source, holds="queries", file_name="a.jsonl", state="running")
    held = hold(batch_lock(batch.pk))
    assert "running" in words(curator_client.get("/imports/"))
    held.release()
    assert "stopped" in words(curator_client.get("/imports/"))
    assert "Give the same file again" in words(curator_client.get(batch.get_absolute_url()))
    refused = curator_client.post(f"/imports/{batch.pk}/go-on/", follow=True)
    assert "its file is no longer here" in words(refused)


def test_forgotten_files_go_after_some_days(send, folder, settings):
    settings.UPLOAD_DAYS = 7
    send("a.jsonl", lines(EVOL))
    (folder / "abc.part").write_text("x")
    uploading.tidy()
    assert len(list(folder.iterdir())) == 2
    os.utime(folder / "abc.part", (0, 0))
    Upload.objects.update(came_at="2020-01-01T00:00Z")
    uploading.tidy()
    assert list(folder.iterdir()) == []
