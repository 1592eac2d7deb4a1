"""Sending a file as a browser does, answering its page, and doing what a worker does."""

import json
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from curation.models import Upload
from dialogues import uploading
from tests import page_text

EVOL = {"instruction": "Sort a list.", "output": "sorted(x)"}


def sender(client):
    """Sends a file."""

    def post(name, content):
        file = SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())
        file._name = name  # as sent: Django's class would cut a path off here already
        return client.post("/imports/new/", {"file": file})

    return post


def reader(client):
    """Answers the page of the only upload that waits."""

    def post(how="start", source="sample", **fields):
        upload = Upload.objects.get(batch=None)
        form = {"holds": upload.choice["holds"], "layout": "auto", "source": source, **fields, how: "1"}
        return client.post(f"/uploads/{upload.pk}/", form)

    return post


@pytest.fixture
def folder(settings, tmp_path):
    """Where sent files lie until their import has ended."""
    settings.VAR_DIR = tmp_path
    return tmp_path / "uploads"


@pytest.fixture
def send(curator_client):
    return sender(curator_client)


@pytest.fixture
def reading(curator_client):
    return reader(curator_client)


def work():
    """What a worker for jobs does."""
    for pk in Upload.objects.filter(batch__isnull=False).values_list("pk", flat=True):
        uploading.carry_out(pk)


def lines(*records):
    return "".join(json.dumps(one) + "\n" for one in records)


def counts(batch):
    return batch.read, batch.accepted, batch.duplicates, batch.rejected


def words(response):
    return unescape(page_text.words(response))
