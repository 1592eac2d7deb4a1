"""Characters that nobody sees: written out wherever a page shows them, untouched in forms, files and the database."""

import json
import re
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from accounts.models import Door
from curation.intake.importing import import_queries
from curation.models import (
    BenchmarkTask,
    ClusterMember,
    ContaminationHit,
    ImportBatch,
    Query,
    RejectedRecord,
    Sighting,
    Upload,
)
from dialogues.importing_dialogues import import_dialogues
from dialogues.models import Dialogue, Turn
from dialogues.reviewing import approve_many
from runs.models import Run
from tests.making import a_query, an_approved_dialogue
from tests.running import run_command
from tests.test_addresses import PAGES, STREAMED, all_addresses, path_of, rows  # noqa: F401 - a fixture
from tests.test_contamination import a_task
from tests.uploading import lines, sender
from web.unseen import written_out

# What turns the direction of writing or has no width, and what else no browser draws.
NOBODY_SEES = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)]
NOBODY_SEES += [chr(code) for code in (0x200B, *range(0x2060, 0x2065), 0xFEFF, 0x180E, 0xAD, 0x7, 0x1B, 0xE0041)]
HOSTILE = 'user = "\u202eadmin\u202c" \u2066b\u2069 zero\u200bwidth\u200cjoin\u200d \x1b[31m'
RAW = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u200c\u200d\x1b]")


class Shown(HTMLParser):
    """What a page shows or reads out: texts and hints, but not what stands in the fields of its forms."""

    def __init__(self, html):
        super().__init__()
        self.pieces, self.inside = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.pieces += [value for name, value in attrs if name in ("title", "aria-label", "placeholder", "alt")]

    def handle_data(self, data):
        if self.inside not in ("textarea", "script"):
            self.pieces.append(data)

    def handle_endtag(self, tag):
        self.inside = ""


def shown(response):
    return "\n".join(piece for piece in Shown(response.content.decode()).pieces if piece)


@pytest.mark.parametrize("one", NOBODY_SEES, ids=lambda one: f"{ord(one):04X}")
def test_what_nobody_sees_is_written_out(one):
    assert written_out(f"<p>a{one}b</p>") == f"<p>a⟦U+{ord(one):04X}⟧b</p>"


@pytest.mark.parametrize(
    "text",
    [
        "plain <b>text</b>\n\twith é, 漢字 and \u00a0",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
        "❤\ufe0f\u200d\U0001f525",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
        "\u0915\u094d\u200d\u0937",  # Devanagari
    ],
)
def test_what_is_seen_stays(text):
    assert written_out(text) == text


@pytest.mark.parametrize("text", ["a\u200cb", "a\u200c\u0645", "\u0645\u200d b", "\u200d", "a\u200d\u200c\u200db"])
def test_a_joiner_that_shapes_nothing_is_written_out(text):
    assert not RAW.search(written_out(text))


@pytest.mark.parametrize(
    "field",
    [
        '<textarea name="a" title="x">a\u202eb <i title="\u202e"></textarea>',
        '<input type="hidden" name="a" value="a\u200bb">',
        '<option value="\u200b">',
        "<script>'\u200b'</script>",
    ],
)
def test_what_a_form_sends_back_stays(field):
    assert written_out(field) == field
    assert written_out(f"\u200b{field}\u200b") == f"⟦U+200B⟧{field}⟦U+200B⟧"


def test_hints_are_written_out_too():
    assert written_out('<a href="/x" title="\u202ea > b">') == '<a href="/x" title="⟦U+202E⟧a > b">'


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.mark.django_db
def test_an_import_is_shown_with_marks_and_leaves_unchanged(curator_client, tmp_path):
    records = {"instruction": HOSTILE, "output": "ok"}, {"instruction": "x", "output": {"\u202e": 5}}
    preview = sender(curator_client)("a\u202eb.jsonl", lines(*records)).url
    path = tmp_path / "a\u202eb.jsonl"
    path.write_text(lines(*records, {"instruction": HOSTILE.upper(), "output": HOSTILE}))
    batch = import_queries(path, source="s", by=None)
    query = Query.objects.first()
    for address in (preview, batch.get_absolute_url(), "/queries/", query.get_absolute_url(), "/imports/lines/"):
        page = shown(curator_client.get(address))
        assert "202E" in page.upper() and not RAW.search(page), address
    assert list(Sighting.objects.values_list("query__text", flat=True)) == [HOSTILE, HOSTILE.upper()]

    spoken = [{"role": role, "content": f"{role}: {HOSTILE} &#x202e;"} for role in ("user", "assistant")]
    path.write_text(lines({"id": 1, "messages": spoken}))
    import_dialogues(path, source="s", by=None)
    dialogue = Dialogue.objects.get()
    page = shown(curator_client.get(dialogue.get_absolute_url()))
    assert page.count("⟦U+202E⟧") >= 4 and not RAW.search(page)
    approve_many([dialogue.pk], by=None, door=Door.COMMAND)
    run_command("export", tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text())["messages"] == spoken


# Where such a text stands, and each page that shows it.
COLUMNS = {
    Query: ["text", "response"],
    Turn: ["content", "original_content", "not_satisfied"],
    Dialogue: ["title"],
    ImportBatch: ["file_name", "error"],
    RejectedRecord: ["reason", "excerpt"],
    BenchmarkTask: ["prompt", "solution"],
    ContaminationHit: ["matched_text", "opinion_reason"],
    Upload: ["file_name"],
    Run: ["title", "note"],
}
SHOWING = {
    *("curation:queries", "curation:query", "curation:batches", "curation:batch", "curation:lines"),
    *("curation:clusters", "curation:cluster", "curation:contamination", "curation:suspect", "curation:audit_item"),
    *("dialogues:dialogues", "dialogues:detail", "dialogues:review_item", "dialogues:withdraw_batch"),
    *("dialogues:edit_turn", "dialogues:upload", "runs:runs", "runs:detail"),
}


@pytest.mark.once
@pytest.mark.django_db
def test_no_page_shows_a_character_that_nobody_sees(rows, reviewer, administrator_client):  # noqa: F811
    query, cluster = rows["curation"]["query"], rows["curation"]["cluster"]
    ClusterMember.objects.create(cluster=cluster, query=a_query(), how="form", stands=True)
    ContaminationHit.objects.create(query=query, task=a_task(), tier="exact", score=1)
    RejectedRecord.objects.create(batch=query.batch, line=1)
    Sighting.objects.create(batch=query.batch, query=query, line=2, repeats=True, response=HOSTILE)
    an_approved_dialogue()
    for table, names in COLUMNS.items():
        assert table.objects.update(**dict.fromkeys(names, HOSTILE)), table
    marked = set()
    for name, (_, status) in PAGES.items():
        if status == 200 and name not in STREAMED:
            path = path_of(name, all_addresses()[name], rows, reviewer)
            path = reverse(name, args=[query.pk]) if name == "curation:suspect" else path
            page = shown(administrator_client.get(path))
            assert not RAW.search(page), name
            marked |= {name} if "⟦U+202E⟧" in page else set()
    assert marked >= SHOWING
