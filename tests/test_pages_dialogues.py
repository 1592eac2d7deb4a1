"""The list of dialogues and the read-only page of one; exports and their download."""

import hashlib
import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from config.celery import app
from dialogues.exporting import Choice, export_dialogues
from dialogues.models import Branch, Comment, Dialogue, Export, Review, Revision, Seed, Turn
from dialogues.tasks import write_export
from dialogues.versions import write_version
from runs.models import Call, Execution
from tests.making import a_dialogue, a_query, a_source, an_approved_dialogue
from tests.page_text import words
from web.paging import PAGE_SIZE

pytestmark = pytest.mark.django_db


def listed(client, query_string=""):
    html = client.get(f"/dialogues/{query_string}").content.decode()
    return [int(pk) for pk in re.findall(r'class="clamp"\s+href="/dialogues/(\d+)/"', html)]


def test_the_list_shows_the_newest_first_with_its_facts(reviewer_client):
    first = a_dialogue("Sort it.", "Done.", language="go", scripted=True, last_run_clean=False)
    second = a_dialogue(flags=["open_fence"])
    assert listed(reviewer_client) == [second.pk, first.pk]
    page = words(reviewer_client.get("/dialogues/"))
    assert "scripted" in page and "failed" in page and "a code block is not closed" in page and "go" in page


def test_each_filter_leaves_what_it_names(reviewer_client):
    packed = a_dialogue(method="packing", state="approved", language="python")
    simulated = a_dialogue("Count words.", "Use a counter.")
    assert listed(reviewer_client, "?state=approved") == [packed.pk]
    assert listed(reviewer_client, "?method=simulation") == [simulated.pk]
    assert listed(reviewer_client, "?language=python") == [packed.pk]
    assert listed(reviewer_client, "?language=unknown") == [simulated.pk]
    assert listed(reviewer_client, "?q=counter") == [simulated.pk]
    assert listed(reviewer_client, "?q=counter&state=approved") == []
    assert listed(reviewer_client, "?state=nowhere") == [simulated.pk, packed.pk]


def test_facets_count_under_the_other_filters(reviewer_client):
    a_dialogue(method="packing", state="approved")
    a_dialogue(method="packing")
    a_dialogue()
    assert "all 2 not withdrawn 2 draft 0 in review 1" in words(reviewer_client.get("/dialogues/?method=packing"))


def test_an_empty_list_says_what_to_do(reviewer_client):
    assert "manage.py build" in words(reviewer_client.get("/dialogues/"))
    assert "No dialogue fits these filters" in words(reviewer_client.get("/dialogues/?q=unheard"))


def test_htmx_gets_the_list_alone(reviewer_client):
    part = reviewer_client.get("/dialogues/", headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div id="dialogue-list">')


def test_the_list_asks_the_database_as_often_for_a_page_as_for_one_row(reviewer_client, django_assert_max_num_queries):
    for _ in range(PAGE_SIZE):
        a_dialogue()
    with django_assert_max_num_queries(9):
        reviewer_client.get("/dialogues/")


def test_a_dialogue_reads_as_a_conversation_with_where_each_turn_came_from(reviewer_client):
    dialogue = a_dialogue()
    answer, feedback = dialogue.turns.get(position=1), dialogue.turns.get(position=2)
    call = Call.objects.create(
        key="k", role="drafter", endpoint="demo", model="demo-drafter", state="failed", cost="0.0021"
    )
    run = Execution.objects.create(
        key="x", code="c", language="python", limits={}, runtime="3", backend="none", status="timeout", phase="run",
        wall_s=10.0, cpu_s=1.0, peak_rss_bytes=1,
    )  # fmt: skip
    Turn.objects.filter(pk=answer.pk).update(call=call, execution=run)
    Turn.objects.filter(pk=feedback.pk).update(not_satisfied="Speed on long lists.")
    page = reviewer_client.get(dialogue.get_absolute_url())
    assert "demo-drafter, $0.0021" in words(page)
    assert "timeout 10 s" in words(page)
    assert "Not satisfied with: Speed on long lists." in words(page)
    assert "Efficiency" in words(page)
    order = [page.content.decode().index(f'id="turn-{turn.pk}"') for turn in dialogue.turns.order_by("position")]
    assert order == sorted(order)


def test_an_edit_is_shown_as_what_changed(reviewer_client, reviewer):
    dialogue = a_dialogue()
    turn = dialogue.turns.get(position=2)
    Revision.objects.create(turn=turn, number=1, content_before="It is slow.", content_after="It is late.", by=reviewer)
    html = reviewer_client.get(dialogue.get_absolute_url()).content.decode()
    assert "Edited 1 time" in html and "<del>slow</del>" in html and "<ins>late</ins>" in html


def test_what_people_did_with_it_stands_beside_it(reviewer_client, reviewer):
    dialogue, query = a_dialogue(), a_query()
    Seed.objects.create(dialogue=dialogue, position=0, query=query, use="simulation")
    Review.objects.create(
        dialogue=dialogue, by=reviewer, outcome="needs_work", reason="The code is cut.", dialogue_version=1
    )
    Comment.objects.create(dialogue=dialogue, by=reviewer, text="Look at the last turn.")
    Branch.objects.create(dialogue=dialogue, from_position=2, turns=[])
    version = write_version(dialogue, by=reviewer)
    page = words(reviewer_client.get(dialogue.get_absolute_url()))
    assert f"Query {query.pk}" in page and "The code is cut." in page and "Look at the last turn." in page
    assert version.sha256[:12] in page


def test_text_of_an_execution_turn_is_never_markup(reviewer_client):
    dialogue = a_dialogue("q", "a")
    Turn.objects.create(
        dialogue=dialogue, position=2, role="user", kind="execution", author_kind="model",
        content="Execution result: \n<img src=x onerror=alert(1)>", original_content="x",
    )  # fmt: skip
    assert "<img" not in reviewer_client.get(dialogue.get_absolute_url()).content.decode()


def test_the_page_asks_the_database_as_often_for_a_long_dialogue(reviewer_client, django_assert_max_num_queries):
    dialogue = a_dialogue(*[f"turn {number}" for number in range(24)])
    for turn in dialogue.turns.filter(kind="feedback"):
        Revision.objects.create(turn=turn, number=1, content_before="a", content_after="b")
    with django_assert_max_num_queries(13):
        reviewer_client.get(dialogue.get_absolute_url())


def test_only_a_dialogue_in_review_offers_the_desk(reviewer_client):
    waiting, done = a_dialogue(), a_dialogue(state="approved")
    assert "Review this dialogue" in words(reviewer_client.get(waiting.get_absolute_url()))
    assert "Review this dialogue" not in words(reviewer_client.get(done.get_absolute_url()))


def an_export(folder, **choice):
    return export_dialogues(folder / "approved.jsonl", layout="code_feedback", choice=Choice(**choice), by=None)[0]


def test_the_download_is_the_very_file_that_was_written(curator_client, tmp_path):
    an_approved_dialogue()
    an_approved_dialogue("What é?", "This: \u2028.")
    export = an_export(tmp_path)
    (tmp_path / "approved.jsonl").rename(tmp_path / "moved.jsonl")
    response = curator_client.get(reverse("dialogues:download", args=[export.pk]))
    content = response.getvalue()
    assert content == (tmp_path / "moved.jsonl").read_bytes()
    assert hashlib.sha256(content).hexdigest() == export.sha256
    assert response["Content-Disposition"] == 'attachment; filename="approved.jsonl"'
    assert response.streaming


def test_only_a_finished_export_can_be_downloaded(curator_client):
    export = Export.objects.create(file_name="a.jsonl", layout="openai", state="failed", error="disk full")
    assert curator_client.get(reverse("dialogues:download", args=[export.pk])).status_code == 404
    assert "disk full" in words(curator_client.get("/exports/"))


def test_a_reviewer_sees_exports_but_takes_none_out(reviewer_client, tmp_path):
    an_approved_dialogue()
    export = an_export(tmp_path)
    page = reviewer_client.get("/exports/")
    assert "approved.jsonl" in words(page) and "Download" not in page.content.decode().partition("<tbody>")[2]
    assert reviewer_client.get(reverse("dialogues:download", args=[export.pk])).status_code == 403
    assert reviewer_client.post("/exports/start/", {"layout": "openai"}).status_code == 403


def test_a_curator_hands_an_export_to_the_worker(
    curator_client, curator, settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.VAR_DIR = tmp_path
    source = a_source("mine")
    wanted = an_approved_dialogue("q", "a", source=source)
    an_approved_dialogue()
    app.conf.task_always_eager = True
    try:
        with django_capture_on_commit_callbacks(execute=True):
            response = curator_client.post("/exports/start/", {"layout": "openai", "source": "mine"})
    finally:
        app.conf.task_always_eager = False
    assert response.url == "/exports/?asked=1"
    export = Export.objects.get()
    assert (export.state, export.dialogues, export.by) == ("done", 1, curator)
    line = json.loads((tmp_path / "exports" / export.file_name).read_text())
    assert line["messages"][0]["content"] == wanted.turns.first().content


def test_an_export_needs_a_layout_that_exists(curator_client):
    response = curator_client.post("/exports/start/", {"layout": "parchment"})
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert Export.objects.count() == 0


def test_the_list_asks_again_only_while_something_is_written(curator_client):
    assert "data-poll" not in curator_client.get("/exports/").content.decode()
    Export.objects.create(file_name="a.jsonl", layout="openai", state="running")
    assert "data-poll" in curator_client.get("/exports/").content.decode()


def test_the_list_of_exports_never_reads_the_lists_of_versions(curator_client, django_assert_max_num_queries):
    for number in range(20):
        Export.objects.create(
            file_name=f"{number}.jsonl",
            layout="openai",
            state="done",
            sha256="x",
            finished_at=timezone.now(),
            by=User.objects.get(),
        )
    with django_assert_max_num_queries(9):
        curator_client.get("/exports/")


def test_two_exports_started_by_the_worker_keep_their_own_files(curator, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    an_approved_dialogue()
    write_export("openai", "", "", curator.pk)
    write_export("sharegpt", "packing", "", curator.pk)
    assert [export.dialogues for export in Export.objects.order_by("pk")] == [1, 0]
    assert len(list((tmp_path / "exports").iterdir())) == 2
    assert Dialogue.objects.count() == 1
