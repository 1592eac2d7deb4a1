"""The desks in a browser: audit with the keyboard alone, edit one feedback turn, approve."""

import re

import pytest
from django.conf import settings
from django.test import Client

from curation.models import Judge, Query, Score, Template, Verdict
from dialogues.models import Dialogue, Revision, Version
from tests.browsing import BROWSERS
from tests.making import a_dialogue, a_query

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group(BROWSERS),
    pytest.mark.django_db(transaction=True),
]

LABELS = ["Very Basic", "Basic", "Intermediate", "Difficult", "Very Difficult"]


@pytest.fixture
def tab(chromium, live_server, reviewer):
    """A page of a reviewer who is logged in; whatever the content policy refuses fails the test."""
    client = Client()
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
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
def disputes(db):
    judges = [
        Judge.objects.create(
            template=Template.objects.create(name=name, level_labels=LABELS, body="{{query}}"), model="m", sampling={}
        )
        for name in ("complexity", "challenge")
    ]
    queries = [
        a_query(f"Dispute {gap}", disputed=True, scoring="readable", mean=3.0, linked_gap=gap)
        for gap in (4.0, 3.0, 2.0)
    ]
    for query in queries:
        for judge, value in zip(judges, (4, 2), strict=True):
            Score.objects.create(query=query, judge=judge, value=value, state="ok", explanation="Because.")
    return queries


def wait_for_focus(tab, element_id):
    """htmx moves the focus a moment after the swap."""
    tab.locator(f"#{element_id}:focus").wait_for(timeout=5_000)


def test_disputes_are_audited_with_the_keyboard_alone(tab, disputes):
    first, second, third = disputes
    tab.goto("/audit/")
    wait_for_focus(tab, "item-heading")
    tab.keyboard.press("4")
    tab.wait_for_selector("#verdict")
    wait_for_focus(tab, "sides-heading")
    tab.keyboard.press("1")
    tab.keyboard.press("c")
    tab.keyboard.type("Keys a and x are letters here.")
    tab.keyboard.press("Control+Enter")  # a rating of 4 keeps
    tab.wait_for_url(re.compile(f"/audit/{second.pk}/"))
    wait_for_focus(tab, "item-heading")
    assert tab.title().startswith(f"Query {second.pk}")
    verdict = Verdict.objects.get()
    assert (verdict.query, verdict.keep, verdict.who_was_right) == (first, True, "a")
    assert verdict.note == "Keys a and x are letters here."

    tab.keyboard.press("ArrowRight")
    tab.wait_for_url(re.compile(f"/audit/{third.pk}/"))
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_url(re.compile(f"/audit/{second.pk}/"))
    tab.keyboard.press("1")
    tab.wait_for_selector("#verdict")
    tab.keyboard.press("4")
    tab.keyboard.press("x")
    tab.wait_for_url(re.compile(f"/audit/{third.pk}/"))
    tab.keyboard.press("u")
    tab.wait_for_url(re.compile(f"/audit/{second.pk}/"))
    assert Query.objects.get(pk=second.pk).stage == "scored"
    tab.keyboard.press("s")
    tab.wait_for_url(re.compile(f"/audit/{third.pk}/"))
    assert tab.locator("text=Skipped by you").locator("xpath=following-sibling::*").inner_text() == "1"


def test_a_feedback_turn_is_edited_and_the_dialogue_approved_by_keys(tab):
    dialogue, following = a_dialogue(), a_dialogue()
    feedback, answer = dialogue.turns.get(position=2), dialogue.turns.get(position=3)
    tab.goto("/review/")
    for position in range(3):
        tab.keyboard.press("j")
        wait_for_focus(tab, f"turn-{dialogue.turns.get(position=position).pk}")
    tab.keyboard.press("e")
    tab.wait_for_selector(".is-edited textarea")
    tab.keyboard.type(" It copies, and it waits. It never ends.")
    assert tab.locator(f"#content-{feedback.pk}-count").inner_text() == "3 sentences"
    tab.keyboard.press("Escape")
    tab.keyboard.press("8")
    tab.keyboard.press("Control+Enter")
    tab.wait_for_selector(f"#turn-{answer.pk}.is-stale")
    wait_for_focus(tab, f"edit-{feedback.pk}")
    revision = Revision.objects.get()
    assert revision.content_after == "It is slow on long lists. It copies, and it waits. It never ends."
    assert revision.category_after == "Resource Optimization"
    tab.keyboard.press("d")
    assert tab.locator(f"#turn-{feedback.pk} ins").is_visible()

    tab.keyboard.press("a")
    tab.wait_for_selector("#decision [role=alert]")
    assert not Version.objects.exists()
    tab.keyboard.press("f")
    tab.keyboard.press("a")
    tab.wait_for_url(re.compile(f"/review/{following.pk}/"))
    wait_for_focus(tab, "item-heading")
    assert "It never ends." in Version.objects.get(dialogue=dialogue).messages


def test_a_note_survives_a_reload_and_leaves_with_the_decision(tab):
    dialogue, following = a_dialogue(), a_dialogue()
    tab.goto(f"/review/{dialogue.pk}/")
    tab.fill("#id_reason", "The output is wrong.")
    tab.reload()
    assert tab.input_value("#id_reason") == "The output is wrong."
    tab.click("#reject")
    tab.wait_for_url(re.compile(f"/review/{following.pk}/"))
    assert tab.input_value("#id_reason") == ""
    assert tab.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('draft'))") == []
    assert Dialogue.objects.get(pk=dialogue.pk).state == "rejected"


def test_keys_rest_when_the_reader_turned_them_off_and_the_sheet_opens_when_not(tab, reviewer):
    dialogue = a_dialogue()
    tab.goto(f"/review/{dialogue.pk}/")
    tab.keyboard.press("?")
    assert tab.locator("#key-sheet").is_visible()
    tab.keyboard.press("a")  # nothing behind an open sheet is decided
    tab.keyboard.press("Escape")
    assert not tab.locator("#key-sheet").is_visible()
    reviewer.keys_enabled = False
    reviewer.save()
    tab.reload()
    for key in ("a", "s", "?"):
        tab.keyboard.press(key)
    tab.wait_for_timeout(300)
    assert tab.url.endswith(f"/review/{dialogue.pk}/")
    assert not Version.objects.exists()


def test_the_desk_works_without_a_script(chromium, live_server, reviewer, disputes):
    client = Client()
    client.force_login(reviewer, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    tab = context.new_page()
    tab.goto("/audit/")
    tab.click("#rate-4")
    tab.check("#right-both")
    tab.click("#drop")
    assert tab.url.endswith(f"/audit/{disputes[1].pk}/")
    dialogue = a_dialogue()
    tab.goto(f"/review/{dialogue.pk}/")
    tab.click("text=Edit turn 2")
    tab.fill("textarea[name=content]", "It copies the list.")
    tab.click("text=Save")
    tab.check("#still-fits")
    tab.click("#approve")
    assert Version.objects.count() == Verdict.objects.count() == 1
    context.close()
