"""Two ways in a browser on a running site: from the log in to an exported file; and a file's way in and out again.

They stand in one file so that the site is served once, and no longer than they need it.
"""

import json
import os
import re
from pathlib import Path

import pytest

from tests.browsing import wait_until
from tests.newcomer import GROUP, PASSWORD

pytestmark = [pytest.mark.once, pytest.mark.needs("chromium", "bubblewrap"), pytest.mark.xdist_group(GROUP)]
HOSTILE = "<img src=x onerror=alert(1)>"


def test_from_the_log_in_to_the_exported_file(chromium, newcomer, served):
    context = chromium.new_context(base_url=served, accept_downloads=True, viewport={"width": 1280, "height": 800})
    tab = context.new_page()

    tab.goto("/audit/")
    tab.fill("input[name=username]", "carla")
    tab.fill("input[name=password]", PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(r"/audit/\d+/"))
    audited = int(tab.url.rstrip("/").rpartition("/")[2])
    tab.keyboard.press("4")
    tab.wait_for_selector("#verdict")
    tab.keyboard.press("3")
    tab.keyboard.press("Control+Enter")
    tab.wait_for_url(lambda url: f"/audit/{audited}/" not in url)
    kept = f"Query.objects.filter(pk={audited}, stage='kept', decision_rule='verdict').count()"
    assert newcomer.site.ask_database(kept) == 1

    tab.goto("/review/?method=simulation")
    reviewed = int(re.search(r"/review/(\d+)/", tab.url)[1])
    tab.locator("a:has-text('Edit')").last.click()
    # The page puts the cursor behind the text; a test is quick enough to come before that.
    wait_until(
        tab,
        "document.activeElement.matches('textarea[name=content]')"
        " && document.activeElement.selectionStart === document.activeElement.value.length",
    )
    tab.fill("textarea[name=content]", "Please show what happens with an empty input.")
    tab.keyboard.press("Control+Enter")
    tab.wait_for_selector(".is-stale")
    tab.check("#still-fits")
    tab.click("#approve")
    tab.wait_for_url(lambda url: f"/review/{reviewed}/" not in url)

    tab.goto("/exports/")
    before = tab.locator("tbody tr").count()
    tab.click("text=Start the export")
    # The newest stands first.
    newest = tab.locator(f"tbody:has(tr:nth-child({before + 1})) tr:first-child a:has-text('Download')")
    newest.wait_for(timeout=60_000)
    with tab.expect_download() as download:
        newest.click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    context.close()

    (record,) = [record for line in lines if (record := json.loads(line))["id"] == reviewed]
    contents = [message["content"] for message in record["messages"]]
    assert "Please show what happens with an empty input." in contents
    assert [message["role"] for message in record["messages"]] == ["user", "assistant"] * (len(contents) // 2)


@pytest.fixture
def tab(chromium, served):
    context = chromium.new_context(base_url=served, accept_downloads=True, viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.troubles = []
    tab.on("dialog", lambda dialog: (tab.troubles.append(dialog.message), dialog.dismiss()))
    tab.on("console", lambda told: tab.troubles.append(told.text) if told.type == "error" else None)
    tab.goto("/imports/new/")
    tab.fill("input[name=username]", "ada")
    tab.fill("input[name=password]", PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/imports/new/")
    yield tab
    context.close()


def look(tab, name):
    """Nothing of the file has become part of the page, at both widths; a picture where one is asked for."""
    assert tab.evaluate("document.querySelectorAll('main img, main script, [onerror]').length") == 0
    for width in (390, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        if folder := os.environ.get("PICTURES"):
            tab.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def find_duplicates_and_undo(tab, site):
    """A search by the worker for jobs, from its page: told while it goes on, then what it found, then its undo."""
    merged = "Query.objects.filter(source__slug='forum', duplicate_of__isnull=False).count()"
    newest = tab.locator("#passes tbody tr").first
    tab.goto("/duplicates/find/")
    tab.check("input[value=form]")
    tab.click("#start-search")
    assert newest.locator(".badge").inner_text() in ("queued", "running", "done")
    newest.locator(".badge.good").wait_for(timeout=30_000)
    assert newest.locator("[data-name=Merged]").inner_text() == "1"
    assert site.ask_database(merged) == 1
    look(tab, "search")
    newest.get_by_text("see or undo").click()
    tab.get_by_role("button", name=re.compile("^Undo")).click()
    tab.goto("/duplicates/")
    newest.get_by_text("undone").wait_for()
    assert site.ask_database(merged) == 0


def test_a_file_of_odd_fields_is_mapped_imported_taken_home_and_withdrawn(tab, newcomer, tmp_path):
    rows = "".join(f'"Frage {n}: {HOSTILE}","```python\nprint({n})\n```"\n' for n in range(300))
    file = tmp_path / f"odd {HOSTILE.replace('/', '')}'.csv"
    file.write_text(f"frage,antwort_1\n{rows}FRAGE 7:  {HOSTILE}!,print(7)\nFrage ohne Antwort,\n")
    tab.set_input_files("#id_file", file)
    tab.click("#upload-send")
    tab.get_by_text("no known layout; fields seen: antwort_1, frage").wait_for()
    assert file.name in tab.inner_text("h1")
    look(tab, "unknown")

    tab.fill("#id_map_text", "frage")
    tab.fill("#id_map_response", "antwort_1")
    tab.fill("#id_source", "forum")
    tab.click("#upload-look")
    tab.get_by_text("100 would be taken and 0 rejected").wait_for()
    look(tab, "mapped")
    tab.focus("#upload-start")
    tab.keyboard.press("Enter")

    tab.wait_for_url(re.compile(r"/imports/\d+/"))
    tab.locator("h1 .badge.good").wait_for(timeout=30_000)
    assert tab.locator("[data-poll]").count() == 0
    wait_until(tab, "!document.querySelector('.meter')")
    assert [one.split("\n")[-1] for one in tab.locator(".figures > div").all_inner_texts()] == ["302", "301", "0", "1"]
    look(tab, "batch")
    with tab.expect_download() as download:
        tab.click("#rejected-csv")
    assert "field 'antwort_1' is blank" in download.value.path().read_text("utf-8-sig")
    assert not list((newcomer.site.folder / "var" / "uploads").iterdir())

    place = tab.url
    find_duplicates_and_undo(tab, newcomer.site)

    tab.goto(place)
    tab.click("#withdraw-source")
    tab.get_by_text("queries that nothing else holds").wait_for()
    look(tab, "withdraw")
    tab.fill("#id_slug", "forum")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(r"/withdrawals/\d+/"))
    tab.locator("h1 .badge.good").wait_for(timeout=30_000)
    look(tab, "withdrawal")
    left = "[Query.objects.filter(source__slug='forum').count(), Source.objects.filter(slug='forum').count()]"
    assert newcomer.site.ask_database(left) == [0, 0]
    assert tab.troubles == []
