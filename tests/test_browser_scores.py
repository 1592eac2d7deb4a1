"""The pages about scores in a browser: from a cell to its queries; what if, decide, undo by keys or without scripts."""

import pytest
from django.conf import settings
from django.test import Client

from curation.foreseeing import ground, outlook
from curation.models import Query, RulePass
from curation.rules import Rule
from tests.test_foreseeing import a_pool

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group("the scores in a browser"),
    pytest.mark.django_db(transaction=True),
]
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def a_tab(chromium, live_server, curator):
    """Makes a page of a curator who is logged in."""
    client = Client()
    client.force_login(curator, backend="django.contrib.auth.backends.ModelBackend")
    session, made = client.cookies[settings.SESSION_COOKIE_NAME].value, []

    def open_tab(**options):
        context = chromium.new_context(base_url=live_server.url, **options)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        made.append(context)
        return context.new_page()

    yield open_tab
    for context in made:
        context.close()


def test_without_scripts_a_cell_opens_its_queries_and_a_rule_decides_and_is_undone(a_tab):
    a_pool(40)
    foreseen = outlook(Rule("both_at_least", 3.0), ground())
    tab = a_tab(java_script_enabled=False, viewport=PHONE)
    tab.goto("/scores/")
    cell = tab.locator("#matrix td a").first
    count = int(cell.inner_text())
    cell.click()
    assert tab.locator("tbody tr").count() == count

    tab.goto("/scores/what-if/")
    tab.select_option("select[name=rule]", "both_at_least")
    tab.fill("input[name=threshold]", "3")
    tab.click("#rule-form button")
    tab.click("#decide-button")
    assert tab.locator("#rule-pass .badge").inner_text() == "done"
    assert Query.objects.filter(decision="keep").count() == foreseen.kept > 0
    tab.click("#undo-pass")
    assert not Query.objects.filter(decision="keep").exists()


def test_a_decision_is_reached_by_keys_alone_and_no_page_runs_sideways_on_a_phone(a_tab):
    a_pool(40)
    tab = a_tab(viewport=PHONE)
    for address in ("/scores/", "/scores/linking/", "/scores/verdicts/", "/scores/behind/", "/scores/what-if/"):
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
    tab.focus("select[name=rule]")
    tab.keyboard.type("any")
    tab.keyboard.press("Tab")
    tab.keyboard.type("3.5")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    tab.focus("#decide-button")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    tab.wait_for_selector("#undo-pass")
    asked = RulePass.objects.get()
    assert (asked.rule, asked.threshold, asked.state) == ("any_at_least", 3.5, "done")
