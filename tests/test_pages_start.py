"""The start page: eight counters, each a link to exactly the rows it counts, and what comes next."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client

from curation.models import ImportBatch
from dialogues.models import Dialogue
from runs.models import Run
from tests.making import a_batch, a_dialogue, a_kept_query, a_query

pytestmark = pytest.mark.django_db


def counters(client):
    """Step → (count, address) as the start page shows them."""
    html = client.get("/").content.decode()
    found = re.findall(
        r'<a href="([^"]*)"[^>]*>\s*<span class="step">([^<]*)</span>\s*<span class="count">([^<]*)<', html
    )
    return {step: (int(count.replace(",", "")), address.replace("&amp;", "&")) for address, step, count in found}


def test_the_bar_says_in_which_room_and_place_a_page_lies(reviewer_client):
    def current(address):
        html = reviewer_client.get(address).content.decode().partition("<main")[0]
        return re.findall(r'<a href="[^"]*" aria-current="true">([^<]*)</a>', html)

    assert current("/") == ["Start", "Overview"]
    assert current("/scores/behind/") == ["Scores", "Agreement"]
    assert current(f"/imports/{a_batch().pk}/") == ["Queries", "Imports"]
    assert current("/runs/") == ["Runs"]
    assert current("/preferences/") == []


def test_each_counter_counts_what_its_address_lists(reviewer_client):
    unique = a_kept_query()
    a_query(duplicate_of=unique, duplicate_reason="same text")
    a_query(scoring="unreadable", disputed=True)
    a_query(contamination="set_aside")
    a_dialogue()
    a_dialogue(state="approved")
    Dialogue.objects.create(method="packing", state="needs_work")
    shown = counters(reviewer_client)
    assert {step: count for step, (count, _) in shown.items()} == {
        "Read": 0,
        "Unique": 3,
        "Scored": 2,
        "Kept": 1,
        "Disputed": 1,
        "In review": 1,
        "Approved": 1,
        "Exported": 0,
    }
    for step, noun in (
        ("Unique", "quer"),
        ("Scored", "quer"),
        ("Kept", "quer"),
        ("In review", "dialog"),
        ("Approved", "dialog"),
    ):
        count, address = shown[step]
        assert re.search(rf">\s*{count} {noun}", reviewer_client.get(address).content.decode()), step


def test_read_is_the_sum_of_all_files_of_queries(reviewer_client):
    for read in (3, 4):
        ImportBatch.objects.filter(pk=a_batch().pk).update(read=read, accepted=read)
    ImportBatch.objects.filter(pk=a_batch(holds="dialogues").pk).update(read=9, accepted=9)
    assert counters(reviewer_client)["Read"][0] == 7


def test_exported_counts_the_dialogues_that_have_left_in_any_file(reviewer_client):
    a_dialogue()
    a_dialogue(state="approved", exported=True)
    count, address = counters(reviewer_client)["Exported"]
    assert count == 1
    assert "1 dialogue" in reviewer_client.get(address).content.decode()


def test_an_empty_house_names_the_first_command(reviewer_client):
    assert "python manage.py import_queries" in reviewer_client.get("/").content.decode()


@pytest.mark.parametrize(
    ("rows", "command"),
    [
        (a_query, "manage.py score"),
        (lambda: a_query(scoring="readable"), "manage.py decide"),
        (a_kept_query, "manage.py build"),
        (lambda: [a_kept_query(), a_dialogue(state="approved")], "manage.py export"),
    ],
    ids=["imported", "scored", "kept", "approved"],
)
def test_what_comes_next_follows_the_way(reviewer_client, rows, command):
    rows()
    ImportBatch.objects.update(read=1, accepted=1)
    cache.clear()
    assert command in reviewer_client.get("/").content.decode()


def test_waiting_work_is_offered_as_the_next_step(reviewer_client):
    assert "Review the next dialogue" not in reviewer_client.get("/").content.decode()
    a_dialogue()
    cache.clear()
    assert "Review the next dialogue" in reviewer_client.get("/").content.decode()


def test_it_says_when_a_role_is_played_by_a_scripted_model(reviewer_client):
    assert "Scripted demo model for: scorer" in reviewer_client.get("/").content.decode()


def test_a_broken_models_file_is_told_and_breaks_no_page(reviewer_client, settings, tmp_path):
    settings.MODELS_FILE = tmp_path / "nowhere.toml"
    response = reviewer_client.get("/")
    assert response.status_code == 200
    assert "no such file" in response.content.decode()


def test_it_says_what_the_sandbox_is(reviewer_client):
    assert "Sandbox:" in reviewer_client.get("/").content.decode()


def test_a_run_under_way_is_shown_with_its_bar(reviewer_client):
    Run.objects.create(kind="score", title="Score everything", state="running", items_total=10, items_done=4)
    page = reviewer_client.get("/").content.decode()
    assert "Score everything" in page and "4 of 10" in page


def test_counts_of_dialogues_are_kept_for_a_while_and_then_renewed(reviewer_client):
    counters(reviewer_client)
    a_dialogue()
    assert counters(reviewer_client)["In review"][0] == 0
    cache.clear()
    assert counters(reviewer_client)["In review"][0] == 1


def test_it_asks_the_database_as_often_for_many_rows_as_for_few(reviewer_client, django_assert_max_num_queries):
    for _ in range(25):
        a_kept_query()
        a_dialogue()
    with django_assert_max_num_queries(14):
        reviewer_client.get("/")


def test_a_stranger_is_sent_to_log_in():
    assert Client().get("/").url == "/login/?next=/"


def test_the_first_load_stays_light(reviewer_client):
    """Page, stylesheet, scripts and picture: 150 KB is the limit compressed, and they keep it even as they are."""
    page = reviewer_client.get("/")
    total = len(page.content)
    for path in re.findall(r'(?:src|href)="/?static/([^"]+)"', page.content.decode()):
        total += Path(finders.find(path)).stat().st_size
    assert total < 150_000


def test_every_page_is_guarded_by_a_policy_that_its_own_parts_meet(reviewer_client):
    page = reviewer_client.get("/")
    assert "default-src 'none'" in page["Content-Security-Policy"]
    html = page.content.decode()
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"\son[a-z]+=", html)
