"""The desk of suspects in a browser: judged with the keyboard alone, and fit for a phone."""

import os
import re

import pytest
from django.conf import settings
from django.test import Client

from curation.models import Benchmark, BenchmarkTask, ContaminationHit, Query
from tests.browsing import BROWSERS, PHONE, complaints
from tests.making import a_query

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group(BROWSERS),
    pytest.mark.django_db(transaction=True),
]

PROMPT = "Write a function to find the largest prime factor of a given number."


@pytest.fixture
def tab(chromium, live_server, reviewer):
    """A page of a reviewer who is logged in; whatever the content policy refuses fails the test."""
    client = Client()
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    tab = context.new_page()
    complaints = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("console", lambda told: complaints.append(told.text) if "Security Policy" in told.text else None)
    yield tab
    context.close()
    assert complaints == []


@pytest.fixture
def three(db):
    benchmark = Benchmark.objects.create(name="mbpp", sha256="0")
    solution = "def largest_factor(n):\n    ...\n"
    task = BenchmarkTask.objects.create(
        benchmark=benchmark,
        external_id="MBPP/7",
        prompt=PROMPT,
        solution=solution,
        tests="assert largest_factor(9) == 3",
    )
    texts = [
        "Which prime numbers divide the given number? Return the largest of them, and say how often it divides it.",
        "Print all prime numbers below a number that the user types.",
        "Find the factor by which the largest of two numbers has grown.",
    ]
    queries = []
    for text, score in zip(texts, (0.82, 0.7, 0.6), strict=True):
        query = a_query(text, contamination="suspect", suspicion=score, response="Like so:\n\n```python\nprint(1)\n```")
        ContaminationHit.objects.create(query=query, task=task, tier="neighbour", score=score, matched_text=text)
        queries.append(query)
    task.pk, task.external_id, task.prompt = None, "MBPP/8", "Write a function that divides a number by its primes."
    task.save()
    ContaminationHit.objects.create(
        query=queries[0], task=task, tier="neighbour", score=0.55, matched_text="x", opinion="same"
    )
    return queries


def at(tab, query):
    tab.wait_for_url(re.compile(f"/suspects/{query.pk}/"))
    tab.locator("#item-heading:focus").wait_for(timeout=5_000)


def photograph(tab, name):
    """Pictures for people who look at pages: PICTURES=folder."""
    if folder := os.environ.get("PICTURES"):
        tab.screenshot(path=f"{folder}/{name}.png", full_page=True)


def state_of(query):
    return Query.objects.get(pk=query.pk).contamination


def test_suspects_are_judged_with_the_keyboard_alone(tab, three):
    first, second, third = three
    tab.goto("/contamination/suspects/")
    at(tab, first)
    assert tab.locator("mark").count() > 2
    # The task that a model calls the same stands first; `j` and `k` put each of the others in its place.
    assert tab.locator("#suspect-hit").inner_text().count("MBPP/8") == 1
    photograph(tab, "suspect-desk")
    tab.keyboard.press("j")
    tab.wait_for_url(re.compile("hit="))
    tab.locator("#suspect-hit", has_text="MBPP/7").wait_for()
    tab.keyboard.press("k")
    tab.locator("#suspect-hit", has_text="MBPP/8").wait_for()
    tab.locator("#item-heading:focus").wait_for()
    tab.keyboard.press("x")
    at(tab, second)
    assert state_of(first) == "set_aside"
    assert tab.locator(".last-decisions li").count() == 1
    tab.keyboard.press("ArrowRight")
    at(tab, third)
    tab.keyboard.press("ArrowLeft")
    at(tab, second)
    tab.keyboard.press("a")
    at(tab, third)
    assert state_of(second) == "cleared"
    tab.keyboard.press("u")
    at(tab, second)
    assert state_of(second) == "suspect"
    tab.keyboard.press("s")
    at(tab, third)
    tab.keyboard.press("x")
    tab.get_by_text("No suspect waits for you").wait_for()
    photograph(tab, "suspects-empty")

    tab.set_viewport_size(PHONE)
    for theme in ("light", "dark"):
        tab.emulate_media(color_scheme=theme)
        tab.goto(f"/contamination/suspects/{second.pk}/")
        photograph(tab, f"suspect-phone-{theme}")
        tab.goto("/contamination/")
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        photograph(tab, f"hits-phone-{theme}")
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.goto(f"/contamination/suspects/{second.pk}/")
    photograph(tab, "suspect-desk-dark")
    tab.goto("/contamination/")
    photograph(tab, "hits-dark")


def test_axe_finds_nothing_at_the_desk_and_where_a_benchmark_is_withdrawn(a_tab, three):
    desk, withdrawal = f"/contamination/suspects/{three[0].pk}/", f"/benchmarks/{Benchmark.objects.get().pk}/withdraw/"
    assert complaints(a_tab(bypass_csp=True), [desk, withdrawal]) == []
