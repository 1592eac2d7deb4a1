"""The demo as a newcomer runs it: over again on request, without packing and with it, and quick the last time."""

import json
import os
import re

import pytest

from tests.newcomer import GROUP
from tests.sites import Site

pytestmark = [pytest.mark.once, pytest.mark.needs("bubblewrap"), pytest.mark.xdist_group(GROUP)]
COUNTS = "[Query.objects.count(), Dialogue.objects.count(), Version.objects.count(), Run.objects.count()]"


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="--reset only clears the SQLite database")
def test_reset_starts_over(newcomer):
    assert newcomer.site.ask_database("Source.objects.filter(slug='mine').count()") == 0
    assert newcomer.site.ask_database("Query.objects.count()") > 100


def test_without_packing_it_goes_the_rest_of_the_way_and_says_so(newcomer):
    assert "packing was left out" in newcomer.said
    assert newcomer.site.ask_database("Dialogue.objects.filter(method='packing').count()") == 0
    assert len(newcomer.file.read_text().splitlines()) >= 10


def test_it_makes_three_people_and_prints_their_passwords_at_both_ends(newcomer):
    passwords = re.findall(r"^  (reviewer|curator|administrator) +(\S{12,})$", newcomer.said, re.MULTILINE)
    assert [name for name, _ in passwords] == ["reviewer", "curator", "administrator"] * 2
    assert passwords[:3] == passwords[3:]
    assert "scripted demo model" in newcomer.said


@pytest.mark.needs("embeddings")
def test_with_packing_it_catches_up_leaves_work_for_people_and_is_quick_again(newcomer):
    site, file = newcomer.site, newcomer.file
    first = site.manage("demo", "--no-serve", "--export-to", file)
    assert first.count("done already") >= 5
    assert site.ask_database("Dialogue.objects.filter(method='packing').count()") >= 5
    lines = file.read_text().splitlines()
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

    before = site.ask_database(COUNTS)
    second = site.manage("demo", "--no-serve", "--export-to", file)
    assert second.count("done already") >= 6
    assert "stands already" in second
    assert site.ask_database(COUNTS) == before


def test_a_command_on_a_database_without_tables_names_the_remedy(tmp_path, demo_model):
    site = Site(tmp_path, demo_model.models_file(tmp_path), tables=False)
    status, stdout, stderr = site.run("score", "--json")
    assert status == 2
    assert "manage.py migrate" in stderr
    assert "manage.py migrate" in json.loads(stdout.splitlines()[-1])["error"]
