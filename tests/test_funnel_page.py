"""The page of the funnel and the list of lines."""

import re

import pytest

from curation.models import RejectedRecord
from dialogues.metrics import PARTS, STEPS
from dialogues.views.funnel import LISTS
from tests.funnel_lists import a_file, imported, rows_of
from tests.making import a_batch, a_query, a_source
from tests.page_text import words

pytestmark = pytest.mark.django_db

LIKE_TASK = "Given a list of ages of the cats in a shelter return a chart of them."
TASK = "Given a list of ages of the cats in a shelter return the sum of the two oldest cats that share no letter."


def test_every_step_has_its_list_and_stands_in_one_sum():
    assert set(LISTS) == set(STEPS)
    parts = [part for group in PARTS.values() for part in group]
    assert len(parts) == len(set(parts))


def test_lines_are_paged_forwards_and_back_through_all_files(reviewer_client, tmp_path):
    imported(a_file(tmp_path, "a.jsonl", *[f"Task {number}." for number in range(60)]), "one")
    imported(a_file(tmp_path, "b.jsonl", *[None] * 30, *[f"Task {number}." for number in range(30)]), "two")
    assert rows_of(reviewer_client, "/imports/lines/") == 120
    first = reviewer_client.get("/imports/lines/")
    following = re.search(r'rel="next"\s+href="([^"]+)"', first.content.decode())[1]
    second = reviewer_client.get("/imports/lines/" + following)
    back = re.search(r'rel="prev"\s+href="([^"]+)"', second.content.decode())[1].replace("&amp;", "&")
    again = reviewer_client.get("/imports/lines/" + back)
    assert [line.number for line in again.context["page"].rows] == [line.number for line in first.context["page"].rows]
    assert [line.number for line in second.context["page"].rows] == [*range(41, 61), *range(1, 21)]
    assert rows_of(reviewer_client, "/imports/lines/?kind=duplicates") == 30


def test_a_reason_opens_its_records_alone(reviewer_client):
    batch = a_batch()
    for line, reason in enumerate(["not JSON", "the text is blank", "not JSON"], start=1):
        RejectedRecord.objects.create(batch=batch, line=line, reason=reason, excerpt="<b>")
    page = reviewer_client.get("/funnel/?source=sample")
    assert "not JSON 2" in words(page) and "the text is blank 1" in words(page)
    assert rows_of(reviewer_client, "/imports/lines/?reason=not+JSON") == 2
    assert "<b>" not in reviewer_client.get("/imports/lines/").content.decode()


def test_reasons_that_differ_in_numbers_are_one_kind_and_open_their_records(reviewer_client):
    batch = a_batch()
    told = ["no JSON at column 8 (a+b)", "no JSON at column 1,812 (a+b)", "no JSON at column x8 (a+b)", "9 columns"]
    for line, reason in enumerate([*told, "no 5", "no …"], start=1):
        RejectedRecord.objects.create(batch=batch, line=line, reason=reason)

    reasons = reviewer_client.get("/funnel/?source=sample").context["reasons"]

    kinds = {reason: count for reason, count, _ in reasons}
    assert kinds == {"no JSON at column … (a+b)": 2, "no …": 2, told[2]: 1, told[3]: 1}
    assert [rows_of(reviewer_client, address) for _, _, address in reasons] == [count for _, count, _ in reasons]


def test_a_cursor_that_cannot_be_read_gives_the_first_lines(reviewer_client):
    RejectedRecord.objects.create(batch=a_batch(), line=1, reason="not JSON")
    for cursor in ("x", "1~", "~1", "1~-2", "9" * 30 + "~1", "²~1"):
        assert reviewer_client.get("/imports/lines/", {"before": cursor}).status_code == 200


def test_numbers_that_do_not_add_up_are_told(reviewer_client):
    a_query()  # without the sighting that an import writes
    assert "not the sum of their parts: read" in words(reviewer_client.get("/funnel/"))


def test_the_pages_ask_the_database_as_often_for_many_sources(reviewer_client, django_assert_num_queries):
    for number in range(3):
        RejectedRecord.objects.create(batch=a_batch(a_source(f"source-{number}")), line=1, reason="not JSON")
    reviewer_client.get("/funnel/")
    with django_assert_num_queries(13):
        reviewer_client.get("/funnel/")
    for number in range(3, 20):
        RejectedRecord.objects.create(batch=a_batch(a_source(f"source-{number}")), line=1, reason="not JSON")
    with django_assert_num_queries(13):
        reviewer_client.get("/funnel/")


def test_an_empty_house_names_the_first_command(reviewer_client):
    assert "import_queries" in words(reviewer_client.get("/funnel/"))
    assert "import_queries" in words(reviewer_client.get("/imports/lines/"))
