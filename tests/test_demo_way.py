"""The whole way in one browser session on a running site: log in, audit, edit, approve, export, read the file."""

import json
import re
from pathlib import Path

import pytest

from tests.browsing import wait_until
from tests.newcomer import GROUP, PASSWORD

pytestmark = [pytest.mark.once, pytest.mark.needs("chromium", "bubblewrap"), pytest.mark.xdist_group(GROUP)]


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
