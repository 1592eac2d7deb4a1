"""The page of the funnel: every number opens exactly its rows, after every kind of operation."""

import json
import re
from html.parser import HTMLParser

import pytest
from django.core.cache import cache

from accounts.actions import undo
from accounts.models import Action, Door
from curation import auditing
from curation.duplicates import find_duplicates
from curation.models import Benchmark, BenchmarkTask, Query, RejectedRecord
from curation.readings import store_facts
from dialogues import reviewing
from dialogues.building import save_packs
from dialogues.exporting import Choice, export_dialogues
from dialogues.metrics import PARTS, STEPS, not_adding_up
from dialogues.models import Dialogue
from dialogues.views.funnel import LISTS
from runs.kinds import Finished
from runs.models import Run, WorkItem
from tests.judged import a_score, two_judges
from tests.making import a_batch, a_query, a_source
from tests.page_text import words
from tests.running import run_command

pytestmark = pytest.mark.django_db

TASK = "Given a list of ages of the cats in a shelter return the sum of the two oldest cats that share no letter."


class Links(HTMLParser):
    """(address, number in its words) of every link to a list of rows."""

    def __init__(self, html):
        super().__init__()
        self.found, self._open, self._words = [], "", ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get("href", "")
        if tag == "a" and re.match(r"/(queries|dialogues|imports/lines)/", address):
            self._open, self._words = address, ""

    def handle_data(self, data):
        self._words += data

    def handle_endtag(self, tag):
        if tag == "a" and self._open and (number := re.search(r"\d[\d,]*", self._words)):
            self.found.append((self._open, int(number[0].replace(",", ""))))
        if tag == "a":
            self._open = ""


def rows_of(client, address):
    """How many rows all pages of a list show."""
    counted, path = 0, address.partition("?")[0]
    while address:
        html = client.get(address, headers={"HX-Request": "true"}).content.decode()
        counted += html.partition("<tbody>")[2].count("<tr>")
        following = re.search(r'rel="next"\s+href="([^"]+)"', html)
        address = path + following[1].replace("&amp;", "&") if following else ""
    return counted


def walk(client):
    """Open every number of the page of all sources and of that of one; the funnel of all sources together."""
    cache.clear()
    numbers = set()
    for address in ("/funnel/", "/funnel/?source=one"):
        html = client.get(address).content.decode()
        assert 'role="alert"' not in html
        numbers.update(Links(html).found)
    wrong = {address: (said, rows) for address, said in numbers if (rows := rows_of(client, address)) != said}
    assert wrong == {}
    result = run_command("funnel").result
    assert all(not not_adding_up(row) for row in [*result["sources"], result["total"]])
    return result["total"]


def a_file(folder, name, *texts):
    """A file of queries; what is no text stands in it as a line that nobody can read."""
    path = folder / name
    path.write_text(
        "\n".join(json.dumps({"instruction": text, "output": "ok"}) if text else "{bad" for text in texts) + "\n"
    )
    return path


def imported(path, source):
    assert run_command("import_queries", path, "--source", source).exit_code == 0


def newest(verb):
    return Action.objects.filter(verb=verb).order_by("-pk").first()


def test_every_number_opens_its_rows_after_every_kind_of_operation(reviewer_client, curator, tmp_path):
    texts = [f"Write a function that sorts the {number} heaviest parcels of a van." for number in range(6)]
    first = a_file(tmp_path, "first.jsonl", *texts, texts[0], None, TASK)
    second = a_file(tmp_path, "second.jsonl", texts[0], f"Please, {texts[1].lower()}", "Parse a date.", None, "")
    imported(first, "one")
    assert walk(reviewer_client) | {"read": 9, "duplicates": 1, "rejected": 1, "accepted": 7} == walk(reviewer_client)
    imported(first, "one")
    imported(second, "two")
    assert walk(reviewer_client)["duplicates"] == 1 + 8 + 1

    find_duplicates(by=curator, door=Door.PAGE)
    assert walk(reviewer_client)["near_duplicates"] == 1
    undo(newest("find duplicates"), by=curator)
    assert walk(reviewer_client)["near_duplicates"] == 0

    benchmark = Benchmark.objects.create(name="cats", sha256="0")
    BenchmarkTask.objects.create(benchmark=benchmark, external_id="cats/1", prompt=TASK, solution="")
    assert run_command("check_contamination", "--nearest", 0).exit_code == 0
    assert walk(reviewer_client)["set_aside"] == 1
    Query.objects.filter(contamination="set_aside").update(contamination="cleared")
    assert walk(reviewer_client)["set_aside"] == 0

    judges = two_judges()
    for query in Query.objects.all():
        for judge in judges:
            a_score(query, judge, None if query.text == TASK else 4)
    store_facts(list(Query.objects.order_by("pk").values_list("pk", flat=True)), judges)
    scored = walk(reviewer_client)
    assert (scored["scored"], scored["undecided"], scored["unreadable"]) == (9, 8, 1)
    run_command("decide", "--rule", "mean_at_least", "--threshold", "1")
    assert walk(reviewer_client)["kept"] == 8
    undo(newest("decide"), by=curator)
    assert walk(reviewer_client)["kept"] == 0
    auditing.keep_many(Query.objects.values_list("pk", flat=True), by=curator, door=Door.PAGE)
    assert walk(reviewer_client)["unused"] == 9

    item = WorkItem.objects.create(
        run=Run.objects.create(kind="packing", title="x", parameters={}), key="1", payload={}
    )
    seeds = list(Query.objects.order_by("pk").values_list("pk", flat=True)[:2])
    save_packs([Finished(item, seeds)])
    dialogue = Dialogue.objects.get()
    assert walk(reviewer_client) | {"used": 2, "unused": 7, "in_review": 1} == walk(reviewer_client)

    reviewing.approve_many([dialogue.pk], by=curator, door=Door.PAGE)
    approval = Action.objects.order_by("-pk").first()
    assert walk(reviewer_client)["unexported"] == 1
    undo(approval, by=curator)
    assert walk(reviewer_client)["approved"] == 0
    reviewing.approve_many([dialogue.pk], by=curator, door=Door.PAGE)
    export_dialogues(tmp_path / "out.jsonl", layout="openai", choice=Choice(), by=curator)
    assert walk(reviewer_client)["exported"] == 1

    reviewing.reject_many([dialogue.pk], "Wrong after all.", by=curator, door=Door.PAGE)
    auditing.drop_many(seeds[:1], by=curator, door=Door.PAGE)
    after = walk(reviewer_client)
    assert (after["exported"], after["exported_not_approved"], after["turned_down"]) == (0, 1, 1)
    assert (after["used"], after["used_not_kept"], after["dropped"]) == (1, 1, 1)


def test_every_step_has_its_list_and_stands_in_one_sum():
    assert set(LISTS) == set(STEPS)
    parts = [part for group in PARTS.values() for part in group]
    assert len(parts) == len(set(parts))


def test_lines_are_paged_forwards_and_back_through_all_files(reviewer_client, tmp_path):
    imported(a_file(tmp_path, "a.jsonl", *[f"Task {number}." for number in range(60)]), "one")
    imported(a_file(tmp_path, "b.jsonl", *[None] * 30, *[f"Task {number}." for number in range(50)]), "two")
    assert rows_of(reviewer_client, "/imports/lines/") == 140
    first = reviewer_client.get("/imports/lines/")
    following = re.search(r'rel="next"\s+href="([^"]+)"', first.content.decode())[1]
    second = reviewer_client.get("/imports/lines/" + following)
    back = re.search(r'rel="prev"\s+href="([^"]+)"', second.content.decode())[1].replace("&amp;", "&")
    again = reviewer_client.get("/imports/lines/" + back)
    assert [line.number for line in again.context["page"].rows] == [line.number for line in first.context["page"].rows]
    assert [line.number for line in second.context["page"].rows] == [*range(51, 81), *range(1, 21)]
    assert rows_of(reviewer_client, "/imports/lines/?kind=duplicates") == 50


def test_a_reason_opens_its_records_alone(reviewer_client):
    batch = a_batch()
    for line, reason in enumerate(["not JSON", "the text is blank", "not JSON"], start=1):
        RejectedRecord.objects.create(batch=batch, line=line, reason=reason, excerpt="<b>")
    page = reviewer_client.get("/funnel/?source=sample")
    assert "not JSON 2" in words(page) and "the text is blank 1" in words(page)
    assert rows_of(reviewer_client, "/imports/lines/?reason=not+JSON") == 2
    assert "<b>" not in reviewer_client.get("/imports/lines/").content.decode()


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
    with django_assert_num_queries(12):
        reviewer_client.get("/funnel/")
    for number in range(3, 20):
        RejectedRecord.objects.create(batch=a_batch(a_source(f"source-{number}")), line=1, reason="not JSON")
    with django_assert_num_queries(12):
        reviewer_client.get("/funnel/")


def test_an_empty_house_names_the_first_command(reviewer_client):
    assert "import_queries" in words(reviewer_client.get("/funnel/"))
    assert "import_queries" in words(reviewer_client.get("/imports/lines/"))
