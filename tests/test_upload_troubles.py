"""A file from the browser that has gone from disk, two people who start or remove it, a broker that is down."""

import pytest
from kombu.exceptions import OperationalError

from curation.holding import hold
from curation.models import ImportBatch, Source, Upload
from dialogues import uploading
from tests.meanwhile import just_before
from tests.uploading import EVOL, counts, lines, words, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]
FORM = {"holds": "queries", "layout": "auto", "start": "1"}


def started(upload, client, source, **fields):
    return client.post(f"/uploads/{upload.pk}/", {**FORM, "source": source, **fields})


def test_a_file_that_has_gone_before_the_start_is_missed_on_its_page(send, reading):
    send("lost.jsonl", lines(EVOL))
    Upload.objects.get().path.unlink()

    refused = reading()

    assert refused.status_code == 422
    assert "the file is no longer on this machine; send it again" in words(refused)
    assert not ImportBatch.objects.exists()
    assert not Source.objects.exists()


def test_a_file_that_has_gone_after_the_start_is_sent_again_and_goes_on_at_its_place(send, reading, curator_client):
    content = lines(*({"instruction": f"Sort {n}.", "output": "x"} for n in range(3)))
    send("lost.jsonl", content)
    reading()
    Upload.objects.get().path.unlink()
    work()
    batch = ImportBatch.objects.get()
    page = words(curator_client.get(batch.get_absolute_url()))
    assert "If the file is gone, send it again: the import goes on at its place" in page
    pressed = words(curator_client.post(f"/imports/{batch.pk}/go-on/", follow=True))
    assert "its file is no longer here; give the same file again" in pressed

    send("again.jsonl", content)
    assert reading().url == batch.get_absolute_url()
    work()

    batch = ImportBatch.objects.get()
    assert (batch.standing, counts(batch)) == ("done", (3, 3, 0, 0))
    assert not Upload.objects.exists()


def test_a_stopped_import_of_the_same_file_is_let_go_on_at_its_own_page(send, reading, curator_client):
    send("a.jsonl", lines(EVOL))
    reading()
    Upload.objects.update(attempts=uploading.ATTEMPTS)
    work()
    first = ImportBatch.objects.get()
    send("again.jsonl", lines(EVOL))

    refused = reading()

    assert f"import {first.pk} of the same file into sample has stopped; press Go on there" in words(refused)
    page = words(curator_client.post(f"/imports/{first.pk}/go-on/", follow=True))
    assert "Waits for the worker for jobs" in page
    work()
    assert counts(ImportBatch.objects.get()) == (1, 1, 0, 0)


def test_go_on_leaves_an_import_alone_that_a_worker_is_at(send, reading, curator_client):
    send("a.jsonl", lines(EVOL))
    reading()
    batch, upload = ImportBatch.objects.get(), Upload.objects.get()
    ImportBatch.objects.update(state="running")
    held = hold(uploading.lock_name(upload.pk))
    curator_client.post(f"/imports/{batch.pk}/go-on/")
    held.release()
    assert ImportBatch.objects.get().state == "running"
    assert Upload.objects.get().handed_at == upload.handed_at


def test_of_two_choices_for_one_file_the_second_hears_that_it_was_not_taken(send, curator_client, administrator_client):
    send("two.jsonl", lines(EVOL))
    upload = Upload.objects.get()
    first = started(upload, curator_client, "one")
    batch = ImportBatch.objects.get()
    for source, fields in (("two", {}), ("one", {"map_text": "output", "map_response": "instruction"})):
        page = administrator_client.post(f"/uploads/{upload.pk}/", {**FORM, "source": source, **fields}, follow=True)
        assert page.redirect_chain == [(first.url, 302)]
        assert f"two.jsonl was started meanwhile, as import {batch.pk} into one; what you chose was not" in words(page)
    again = administrator_client.post(f"/uploads/{upload.pk}/", {**FORM, "source": "one"}, follow=True)
    assert "meanwhile" not in words(again)
    assert list(Source.objects.values_list("slug", flat=True)) == ["one"]


def test_of_two_at_once_the_second_hears_what_the_first_did(send, curator_client, administrator_client, folder):
    send("two.jsonl", lines(EVOL))
    upload = Upload.objects.get()

    with just_before("SAVEPOINT", lambda: started(upload, curator_client, "one")):
        second = administrator_client.post(f"/uploads/{upload.pk}/", {**FORM, "source": "two"}, follow=True)
    assert "two.jsonl was started meanwhile, as import" in words(second)
    assert list(Source.objects.values_list("slug", flat=True)) == ["one"]
    kept = administrator_client.post(f"/uploads/{upload.pk}/discard/", follow=True)
    assert "two.jsonl was not removed: somebody has started its import" in words(kept)

    send("three.jsonl", lines(EVOL, EVOL))
    upload = Upload.objects.get(batch=None)
    with just_before("SAVEPOINT", lambda: uploading.throw_away(upload)):
        late = started(upload, curator_client, "one")
    assert (late.status_code, "three.jsonl was removed meanwhile; send it again" in words(late)) == (422, True)

    send("four.jsonl", lines(EVOL, EVOL, EVOL))
    upload = Upload.objects.get(batch=None)
    with just_before("DELETE FROM", lambda: started(upload, curator_client, "one")):
        kept = administrator_client.post(f"/uploads/{upload.pk}/discard/", follow=True)
    assert "four.jsonl was not removed: somebody has started its import" in words(kept)
    work()
    assert [(batch.state, batch.read) for batch in ImportBatch.objects.order_by("pk")] == [("done", 1), ("done", 3)]
    assert (Upload.objects.count(), list(folder.iterdir())) == (0, [])


@pytest.mark.django_db(transaction=True)
def test_with_the_broker_down_an_import_says_so_and_goes_on_at_the_press_of_a_button(
    send, reading, curator_client, monkeypatch
):
    def fail(task, args):
        raise OperationalError("connection refused")

    monkeypatch.setattr("celery.current_app.send_task", fail)
    send("a.jsonl", lines(EVOL))
    page = curator_client.get(reading().url)
    assert "the broker does not answer (connection refused); start it, then press again" in words(page)
    assert "batch-go-on" in page.content.decode()
    assert uploading.unheard_of() == []

    monkeypatch.undo()
    work()

    assert ImportBatch.objects.get().state == "done"
