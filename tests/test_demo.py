"""The demo as a newcomer runs it: the whole way, quick the second time, over again on request."""

import json
import os
import re

import pytest

from tests.sites import Site

pytestmark = [pytest.mark.once, pytest.mark.needs("bubblewrap")]

START_OVER = () if "DATABASE_URL" in os.environ else ("--reset",)


@pytest.mark.needs("embeddings")
def test_the_demo_goes_the_whole_way_leaves_work_for_people_and_is_quick_again(site):
    approved_file = site.folder / "approved.jsonl"
    first = site.manage("demo", "--no-serve", "--export-to", approved_file)
    passwords = re.findall(r"^  (reviewer|curator|administrator) +(\S{12,})$", first, re.MULTILINE)
    assert [name for name, _ in passwords] == ["reviewer", "curator", "administrator"] * 2
    assert "scripted demo model" in first
    lines = approved_file.read_text().splitlines()
    assert len(lines) >= 10
    assert all(json.loads(line)["messages"] for line in lines)
    assert site.ask_database("Query.objects.awaiting_audit().count()") >= 5
    assert site.ask_database("Dialogue.objects.awaiting_review().count()") >= 5
    assert site.ask_database("Turn.objects.filter(kind='feedback', dialogue__state='in_review').count()") >= 5
    by = site.ask_database("list(Review.objects.values_list('by__username', 'by__is_script').order_by().distinct())")
    assert by == [["demo-script", True]]
    clean = site.ask_database(
        "Dialogue.objects.filter(state='approved').exclude(last_run_clean=True, flags=[]).count()"
    )
    assert clean == 0

    before = site.ask_database(
        "[Query.objects.count(), Dialogue.objects.count(), Version.objects.count(), Run.objects.count()]"
    )
    second = site.manage("demo", "--no-serve", "--export-to", approved_file)
    assert second.count("done already") >= 6
    assert "stands already" in second
    assert (
        site.ask_database(
            "[Query.objects.count(), Dialogue.objects.count(), Version.objects.count(), Run.objects.count()]"
        )
        == before
    )


@pytest.fixture(scope="module")
def gone_without_packing(demo_model, tmp_path_factory):
    """A site with a row of its own on which the demo starts over and leaves packing out; what it said; its file."""
    folder = tmp_path_factory.mktemp("demo")
    site = Site(folder, demo_model.models_file(folder))
    site.manage("shell", "--no-imports", "-c", "from curation.models import Source; Source.objects.create(slug='mine')")
    file = folder / "approved.jsonl"
    said = site.manage("demo", "--no-serve", *START_OVER, "--without-packing", "--export-to", file)
    return site, said, file


@pytest.mark.xdist_group("the demo without packing")
@pytest.mark.skipif(not START_OVER, reason="--reset only clears the SQLite database")
def test_reset_starts_over(gone_without_packing):
    site, _, _ = gone_without_packing
    assert site.ask_database("Source.objects.filter(slug='mine').count()") == 0
    assert site.ask_database("Query.objects.count()") > 100


@pytest.mark.xdist_group("the demo without packing")
def test_without_packing_it_goes_the_rest_of_the_way_and_says_so(gone_without_packing):
    site, said, file = gone_without_packing
    assert "packing was left out" in said
    assert site.ask_database("Dialogue.objects.filter(method='packing').count()") == 0
    assert len(file.read_text().splitlines()) >= 10


def test_a_command_on_a_database_without_tables_names_the_remedy(tmp_path, demo_model):
    site = Site(tmp_path, demo_model.models_file(tmp_path), tables=False)
    status, stdout, stderr = site.run("score", "--json")
    assert status == 2
    assert "manage.py migrate" in stderr
    assert "manage.py migrate" in json.loads(stdout.splitlines()[-1])["error"]
