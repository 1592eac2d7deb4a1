"""The whole way in one browser session on a running site: log in, audit, edit, approve, export, read the file."""

import json
import os
import re
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browsing import wait_until
from tests.servers import free_port

SAMPLES = Path(__file__).resolve().parent.parent / "sample_data"
PASSWORD = "a long enough password"

pytestmark = [pytest.mark.once, pytest.mark.needs("chromium", "bubblewrap")]


@pytest.fixture
def address(site):
    """A running site with scored, decided and simulated queries; workers carry out what the pages start."""
    site.manage("import_queries", SAMPLES / "evol_instruct.jsonl", "--source", "evol")
    site.manage("score", "--wait")
    site.manage("decide")
    site.manage("build", "simulation", "--limit", "3", "--wait")
    site.manage(
        "shell",
        "--no-imports",
        "-c",
        f"from accounts.people import make_person; make_person('carla', role='curator', password='{PASSWORD}')",
    )
    port = free_port()
    process = site.start("up", "--port", port)
    deadline = time.monotonic() + 90
    while not answers(f"http://127.0.0.1:{port}/login/"):
        assert process.poll() is None and time.monotonic() < deadline, "the site did not start"
        time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_from_the_log_in_to_the_exported_file(chromium, address, site):
    context = chromium.new_context(base_url=address, accept_downloads=True, viewport={"width": 1280, "height": 800})
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
    assert site.ask_database(kept) == 1

    tab.goto("/review/")
    reviewed = int(tab.url.rstrip("/").rpartition("/")[2])
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
    tab.click("text=Start the export")
    tab.wait_for_selector("td a:has-text('Download')", timeout=60_000)
    with tab.expect_download() as download:
        tab.click("td a:has-text('Download')")
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    context.close()

    (record,) = [json.loads(line) for line in lines]
    assert record["id"] == reviewed
    contents = [message["content"] for message in record["messages"]]
    assert "Please show what happens with an empty input." in contents
    assert [message["role"] for message in record["messages"]] == ["user", "assistant"] * (len(contents) // 2)
