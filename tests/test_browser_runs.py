"""The pages of runs in a real browser: without scripts, in a hidden tab, on a phone."""

import time

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.people import make_person
from runs import tasks
from runs.models import Call, EndpointBucket, Proposal, Run, Worker, WorkItem
from tests.browsing import BROWSERS, DESK, PHONE
from tests.making import a_query

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group(BROWSERS),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def a_tab(chromium, live_server, models_file):
    """Opens a tab in which a curator is logged in."""
    carla, _ = make_person("carla", role="curator")
    client = Client()
    client.force_login(carla, backend="django.contrib.auth.backends.ModelBackend")
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    contexts = []

    def opened(**options):
        context = chromium.new_context(base_url=live_server.url, **{"viewport": DESK} | options)
        context.add_cookies([cookie])
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def a_run(state="running", **columns):
    columns = {"kind": "scoring", "title": "Score all", "items_total": 10, "planned_at": timezone.now()} | columns
    return Run.objects.create(state=state, **columns)


def a_full_run():
    """A run with something in each part of its page."""
    now = timezone.now()
    asked = {"roles": {"scorer": "demo-scorer"}, "source": "a-source-with-a-rather-long-name"}
    run = a_run(parameters=asked, budget=5, calls_lost=1, items_failed=1, note="node-7 fell silent")
    Worker.objects.create(name="w", run=run, host="a-machine-with-a-rather-long-name.example.org/0a", process=4711)
    EndpointBucket.objects.create(endpoint="demo", requests_left=1, tokens_left=1, filled_at=now, answered_at=now)
    error = "endpoint demo (http://models.example.org:8001/v1): " + "answered400" * 12
    WorkItem.objects.create(run=run, key="x", payload={}, state="failed", error_class="bad_request", error=error)
    columns = {"role": "scorer", "endpoint": "demo", "model": "demo-scorer", "state": "unknown", "error": error}
    Call.objects.create(key="k" * 64, run=run, lost=1, attempts=1, **columns)
    return run


def test_a_run_is_followed_and_stopped_without_scripts(a_tab):
    run, tab = a_run(items_done=1), a_tab(java_script_enabled=False)
    tab.goto(run.get_absolute_url())
    assert "1 of 10 items" in tab.inner_text("#run")
    Run.objects.update(items_done=7)
    tab.click("#run-refresh")
    assert "7 of 10 items" in tab.inner_text("#run")
    tab.click("#run-pause")
    assert "The run pauses" in tab.inner_text("#notices")
    assert "paused" in tab.inner_text("h1") and tab.locator("#run-refresh").count() == 0
    tab.click("#set-budget")
    tab.fill("#id_budget", "2.5")
    tab.click("#run-budget")
    assert "of $2.50" in tab.inner_text("#run")
    tab.click("#run-resume")
    tab.click("#run-cancel")
    assert Run.objects.get().state == "cancelled"


def test_a_run_is_asked_for_priced_started_and_compacted_without_scripts(a_tab):
    a_query()
    tab = a_tab(java_script_enabled=False)
    tab.goto("/runs/")
    tab.click("text=Score queries >> nth=0")
    tab.fill("#id_budget", "5")
    tab.click("#show-price")
    tasks.price(Proposal.objects.get().pk)
    tab.click("#proposal-refresh")
    assert "about 2" in tab.inner_text("#proposal-figures")
    tab.click("#proposal-start")
    tasks.plan(Run.objects.get().pk)
    tab.click("#run-refresh")
    assert "0 of 2 items" in tab.inner_text("#run")
    Run.objects.update(state="done", finished_at=timezone.now())
    WorkItem.objects.update(state="done")
    tab.click("#run-refresh")
    tab.click("#run-compact")
    assert "cannot be undone" in tab.inner_text("main")
    tab.click("#run-compact-now")
    assert "drops what this run no longer needs" in tab.inner_text("#run")


def test_a_hidden_tab_asks_for_nothing_and_goes_on_when_it_is_looked_at(a_tab):
    run, tab, asked = a_run(items_done=1), a_tab(), []
    tab.add_init_script("Object.defineProperty(document, 'hidden', {get: () => window.isSeen !== true})")
    tab.on("request", lambda request: asked.append(request.url) if "hx-request" in request.headers else None)
    tab.clock.install()
    tab.goto(run.get_absolute_url())
    tab.clock.run_for(20_000)
    assert asked == []
    Run.objects.update(items_done=5)
    tab.evaluate("window.isSeen = true")
    tab.clock.run_for(3_000)
    tab.get_by_text("5 of 10 items").wait_for()
    assert asked


def test_a_button_keeps_the_focus_while_the_page_follows_a_run(a_tab):
    run, tab = a_run(items_done=1), a_tab()
    tab.goto(run.get_absolute_url())
    tab.focus("#run-pause")
    Run.objects.update(items_done=5, rate_samples=[[time.time(), 5]])
    tab.get_by_text("5 of 10 items").wait_for()
    assert tab.evaluate("document.activeElement.id") == "run-pause"


def test_no_page_of_runs_runs_over_a_narrow_screen_or_breaks_the_policy(a_tab):
    run, proposal = a_full_run(), Proposal.objects.create
    figures = {"items": 574_000, "calls": 1_148_000, "tokens": 900_000_000, "ledger_hits": 3, "cost": "1234.5"}
    figures |= {"priced_items": 47_500, "found": {"planned_leftovers": 12}, "problems": ["x" * 60], "unpriced": []}
    by = {"by_id": Group.objects.get(name="curator").user_set.get().pk, "title": "Score all", "parameters": {}}
    priced = proposal(kind="scoring", figures=figures, priced_at=timezone.now(), **by)
    waiting = proposal(kind="scoring", **by)
    own = [f"{run.get_absolute_url()}{part}" for part in ("", "lost/", "budget/", "compact/")]
    addresses = ["/runs/", *own, priced.get_absolute_url(), waiting.get_absolute_url()]
    tab, complaints = a_tab(), []
    tab.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    tab.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    for address in [*addresses, "/queries/score/", "/dialogues/build/"]:
        tab.goto(address)
        for size in (DESK, PHONE):
            tab.set_viewport_size(size)
            assert tab.evaluate("document.documentElement.scrollWidth") <= size["width"], (address, size)
    assert complaints == []
