"""The pages in a real browser: filters without a reload, polling, notices with undo, and nothing the policy stops."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions import Change, record
from accounts.models import User
from accounts.people import make_person
from curation.models import ClusterMember, Query
from dialogues.models import Withdrawal
from runs.models import Run
from tests.browsing import BROWSERS, DESK, PHONE, wait_until
from tests.clustered import find
from tests.making import a_batch, a_dialogue, a_kept_query, a_query
from web.rooms import ROOMS

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group(BROWSERS),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page(chromium, live_server):
    """A tab in which an administrator is logged in; complaints of the browser are collected."""
    ada, _ = make_person("ada", role="administrator")
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(viewport=DESK, base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    tab = context.new_page()
    tab.complaints = []
    tab.on("console", lambda told: tab.complaints.append(told.text) if told.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    yield tab
    context.close()


def test_a_filter_changes_list_and_address_and_back_brings_whole_pages(page):
    a_query("Sort a list in Go.", language="go")
    a_query("Sort a list in Python.", language="python")
    page.goto("/queries/")
    page.select_option("#id_language", "go")
    page.wait_for_url("**/queries/?language=go")
    page.get_by_text("Sort a list in Python.").wait_for(state="detached")
    page.goto("/runs/")
    page.go_back()
    assert page.locator("header.bar").count() == 1
    assert page.locator("#query-list tbody tr").count() == 1
    assert page.complaints == []


def test_a_run_is_followed_to_its_end_and_then_left_alone(page):
    run = Run.objects.create(kind="score", title="Score all", state="running", items_total=4, items_done=1)
    page.goto(run.get_absolute_url())
    page.get_by_text("1 of 4 items").wait_for()
    Run.objects.filter(pk=run.pk).update(items_done=4, state="done", finished_at=timezone.now())
    page.get_by_text("4 of 4 items").wait_for(timeout=15_000)
    wait_until(page, "document.getElementById('live').textContent.includes('Score all: done')")
    assert page.locator("[data-poll]").count() == 0


def test_what_was_done_is_undone_from_its_notice(page):
    query = a_query()
    Query.objects.filter(pk=query.pk).update(disputed=True)
    action = record("dispute", [Change(query, {"disputed": False}, {"disputed": True})], by=User.objects.get())
    page.goto("/actions/")
    page.click(f"#undo-{action.pk}")
    page.locator("#notices").get_by_text("Undone: dispute").wait_for()
    assert not Query.objects.get().disputed
    page.locator("#notices").get_by_role("button", name="Undo").click()
    page.locator("#notices").get_by_text("Done again: dispute").wait_for()
    assert Query.objects.get().disputed


def test_a_lost_session_is_told_without_losing_the_page(page):
    a_query()
    page.goto("/queries/")
    page.fill("#id_q", "words that I typed")
    page.context.clear_cookies()
    page.press("#id_q", "Enter")
    page.locator("#notices").get_by_text("Your session has ended").wait_for()
    assert page.input_value("#id_q") == "words that I typed"


def test_no_page_breaks_the_policy_or_runs_over_a_narrow_screen(page):
    query, dialogue = a_kept_query(response="```python\n" + "x = 1  # " + "long " * 60 + "\n```"), a_dialogue()
    run = Run.objects.create(kind="score", title="Score all", state="paused", items_total=4)
    batch, user = a_batch(), User.objects.get()
    taken_out = Withdrawal.objects.create(slug="gone", is_whole=True, state="done", finished_at=timezone.now(), by=user)
    rows = [one.get_absolute_url() for one in (query, dialogue, run, batch, taken_out)]
    rows += [f"/contamination/suspects/{query.pk}/", f"/imports/{batch.pk}/withdraw/"]
    places = [reverse(place.view) for room in ROOMS for place in room.places]
    pages = [*places, "/preferences/", "/imports/new/", "/contamination/check/", "/scores/behind/", *rows]
    admin = ["/admin/", "/admin/curation/query/", "/admin/dialogues/dialogue/", "/admin/accounts/user/"]
    for address in [*pages, *admin]:
        page.goto(address)
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert address in admin or not wide, (address, size)
            assert address not in places or page.locator(".bar [aria-current]").count() == 1, address
    assert page.complaints == []


def test_everything_can_be_read_and_undone_without_scripts(chromium, live_server, page):
    query = a_query("Sort a list in Go.", language="go")
    action = record("note", [Change(query, {"mean": 1.0}, {"mean": None})], by=User.objects.get())
    context = chromium.new_context(java_script_enabled=False, base_url=live_server.url)
    context.add_cookies(page.context.cookies())
    bare = context.new_page()
    bare.goto("/queries/")
    bare.select_option("#id_language", "go")
    bare.click("text=Filter")
    assert "language=go" in bare.url
    bare.goto("/actions/")
    bare.click(f"#undo-{action.pk}")
    assert "Undone: note" in bare.inner_text("#notices")
    context.close()


def test_keys_lead_from_member_to_member_over_the_pages(page, monkeypatch):
    monkeypatch.setattr("curation.views.clusters.MEMBERS_SHOWN", 2)
    for number in range(6):
        a_query("Sort the values of a list" + "!" * number)
    find()
    first, second, third, *_, last = ClusterMember.objects.order_by("pk")

    def at(member):
        page.locator(f"#member-{member.query_id}:focus").wait_for()

    page.goto(first.cluster.get_absolute_url())
    at(first)
    for press, member in (("j", second), ("j", third), ("k", second)):
        page.keyboard.press(press)
        at(member)
    page.keyboard.press("a")
    at(third)
    second.refresh_from_db()
    assert second.settled
    page.keyboard.press("u")
    page.locator("#notices").get_by_text("Undone: keep duplicate").wait_for()
    second.refresh_from_db()
    assert not second.settled
    at(third)
    page.goto(last.query.get_absolute_url())
    page.get_by_role("link", name=f"cluster {last.cluster_id}").click()
    at(last)
    page.keyboard.press("j")
    at(last)
    assert page.complaints == []
