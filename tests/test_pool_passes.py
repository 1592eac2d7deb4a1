"""Claims about passes over the pool that pages start: one at a time, with progress, to be cancelled and undone."""

import itertools
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.duplicates.searching import ask_for_search, search
from curation.models import (
    Benchmark,
    BenchmarkTask,
    CompareBy,
    ContaminationHit,
    ContaminationPass,
    DuplicateCluster,
    DuplicatePass,
    Query,
)
from curation.models.pool_passes import SILENT_FOR
from curation.pool_passes import TOLD_TO_END, AtWork, Cancelled, carry_out, watched
from curation.tasks import find_duplicates
from runs.models import Proposal, Run
from runs.proposing import price
from tests.making import a_query
from tests.page_text import words
from tests.running import run_command

pytestmark = pytest.mark.django_db
SAME = ("Sort a list of numbers.", "Please sort a list of numbers!", "sort a LIST of numbers")
FORM, LIST = "curation:find_duplicates", "curation:clusters"


def a_task(**columns):
    benchmark = Benchmark.objects.create(name="bench", sha256="0")
    return BenchmarkTask.objects.create(benchmark=benchmark, external_id="bench/0", prompt="Double n.", **columns)


def a_search(compare_by=CompareBy.FORM, **columns):
    return DuplicatePass.objects.create(compare_by=compare_by, **columns)


def test_a_search_is_started_on_a_page_done_once_by_the_worker_and_undone(curator_client, curator, reviewer_client):
    queries = [a_query(text) for text in SAME]
    assert "3 queries in play" in words(curator_client.get(reverse(FORM)))
    assert reviewer_client.post(reverse(FORM), {"compare_by": "form"}).status_code == 403
    assert curator_client.post(reverse(FORM), {"compare_by": "smell"}).status_code == 422

    page = curator_client.post(reverse(FORM), {"compare_by": "form"}, follow=True)

    assert "handed to the worker" in words(page)
    one = DuplicatePass.objects.get()
    assert (one.state, one.what, one.by) == ("queued", "by form", curator)
    find_duplicates(one.pk)
    find_duplicates(one.pk)
    one.refresh_from_db()
    assert (one.state, one.found["duplicates"], one.action.door) == ("done", 2, Door.PAGE)
    assert Action.objects.filter(verb="find duplicates").count() == 1
    assert "see or undo" in words(reviewer_client.get(reverse(LIST)))
    undo(one.action, by=curator)
    assert Query.objects.in_play().count() == len(queries)
    assert "undone" in words(reviewer_client.get(reverse("curation:duplicate_passes")))


def test_a_search_that_died_makes_way_and_says_so(reviewer_client):
    lost = a_search(told_at=timezone.now() - 2 * SILENT_FOR)
    shown = words(reviewer_client.get(reverse(LIST)))
    assert "last heard of" in shown and "Start a search again" in shown
    assert ask_for_search(by=None, compare_by=CompareBy.FORM).state == "queued"
    lost.refresh_from_db()
    assert (lost.state, lost.error) == ("failed", "its worker was not heard of any more")
    with pytest.raises(Cancelled, match="thought dead"):
        next(iter(watched(lost, [0], total=1, what="reading")))


def test_a_search_that_waits_behind_longer_jobs_is_not_given_up():
    waiting = a_search()
    DuplicatePass.objects.update(asked_at=timezone.now() - 2 * SILENT_FOR)
    with pytest.raises(AtWork):
        ask_for_search(by=None, compare_by=CompareBy.FORM)
    DuplicatePass.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    ask_for_search(by=None, compare_by=CompareBy.FORM)
    waiting.refresh_from_db()
    assert waiting.error == "no worker has taken it up"


@pytest.mark.django_db(transaction=True)
def test_a_pass_gives_signs_of_life_while_its_work_is_silent(monkeypatch):
    monkeypatch.setattr("curation.pool_passes.BEAT_EVERY_S", 0.01)
    one, heard = a_search(), set()

    def silent_work():
        while len(heard) < 3:
            heard.add(DuplicatePass.objects.values_list("told_at", flat=True).get())
            time.sleep(0.01)

    carry_out(one, silent_work)
    assert "beat of" not in str(threading.enumerate())


def test_a_pass_that_is_told_to_end_ends_at_once_and_makes_way():
    one, before = a_search(), signal.getsignal(signal.SIGTERM)
    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(SystemExit) as ended:
        carry_out(one, lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(60))
    assert (ended.value.code, signal.getsignal(signal.SIGTERM)) == (TOLD_TO_END, before)
    assert DuplicatePass.objects.get().error == "it was told to end; what it had written stands"
    assert ask_for_search(by=None, compare_by=CompareBy.FORM).state == "queued"


@pytest.mark.django_db(transaction=True)
def test_of_two_that_ask_at_once_one_gets_it():
    def ask(_):
        try:
            return ask_for_search(by=None, compare_by=CompareBy.FORM).state
        except AtWork:
            return "at work"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        assert sorted(people.map(ask, range(4))) == ["at work"] * 3 + ["queued"]


def test_one_search_at_a_time(curator_client):
    a_search(told_at=timezone.now())
    page = curator_client.post(reverse(FORM), {"compare_by": "form"}, follow=True)
    assert "Not started: one is at work already" in words(page)
    with pytest.raises(AtWork):
        ask_for_search(by=None, compare_by=CompareBy.FORM)
    assert (
        "one is at work already"
        in run_command(
            "find_duplicates",
            "--by",
            "form",
        ).said
    )


def test_a_search_that_nobody_has_begun_is_cancelled_at_once(curator_client, curator, reviewer_client):
    one = a_search()
    cancel = reverse("curation:cancel_search", args=[one.pk])
    assert "Cancel" not in words(reviewer_client.get(reverse(LIST)))
    assert reviewer_client.post(cancel).status_code == 403

    curator_client.post(cancel)

    one.refresh_from_db()
    assert one.state == "cancelled"
    find_duplicates(one.pk)
    one.refresh_from_db()
    assert (one.state, one.found) == ("cancelled", {})
    assert Action.objects.get().by == curator
    assert "has ended, or was cancelled" in words(curator_client.post(cancel, follow=True))


def test_a_search_that_is_cancelled_midway_keeps_what_it_wrote_and_can_be_undone(curator_client, curator, monkeypatch):
    monkeypatch.setattr("curation.duplicates.finding.WRITTEN_TOGETHER", 1)
    for text in (*SAME, "Merge two intervals.", "merge two INTERVALS"):
        a_query(text)
    one = a_search()

    def cancelled_while_writing(items, *, total, what):
        for number, item in enumerate(items):
            if what.startswith("writing") and number == 1:
                curator_client.post(reverse("curation:cancel_search", args=[one.pk]))
                DuplicatePass.objects.filter(pk=one.pk).update(told_at=timezone.now())
                next(iter(watched(one, [0], total=1, what=what)))
            yield item

    carry_out(one, lambda: search(one, door=Door.PAGE, embedder=None, progress=cancelled_while_writing))

    assert (one.state, DuplicateCluster.objects.filter(size__gt=1).count()) == ("cancelled", 1)
    undo(one.action, by=curator)
    assert not DuplicateCluster.objects.filter(size__gt=1).exists()


def test_a_pass_tells_once_a_second_and_hears_of_the_wish_to_end_it():
    one = a_search(told_at=timezone.now())
    told, clock = [], itertools.count(0, 0.25)
    for item in watched(one, range(9), total=9, what="reading", clock=lambda: next(clock)):
        one.refresh_from_db()
        told.append((item, one.done, one.total, one.doing))
    assert told[4] == (4, 4, 9, "reading")
    assert {done for _, done, _, _ in told} == {0, 4, 8}
    DuplicatePass.objects.update(cancelled_at=timezone.now())
    with pytest.raises(Cancelled):
        list(watched(one, range(9), total=9, what="reading"))


def test_a_pass_that_fails_says_why(reviewer_client):
    one = a_search()
    with pytest.raises(RuntimeError):
        carry_out(one, lambda: (_ for _ in ()).throw(RuntimeError("the disk is full")))
    assert DuplicatePass.objects.get().state == "failed"
    assert "the disk is full" in words(reviewer_client.get(reverse(LIST)))


def test_a_running_pass_is_polled_and_a_check_is_cancelled_like_a_search(curator_client):
    check = ContaminationPass.objects.create(told_at=timezone.now(), doing="reading", done=500, total=1200)
    page = curator_client.get(reverse("curation:contamination"))
    assert "reading: 500 of 1,200" in words(page)
    assert 'data-poll="2"' in page.content.decode()
    curator_client.post(reverse("curation:cancel_check", args=[check.pk]))
    check.refresh_from_db()
    assert check.state == "cancelling"


def test_a_model_is_asked_of_suspects_only_after_its_price_was_shown(curator_client, reviewer_client):
    page = reverse("curation:judge_suspects")
    assert "Judge suspects" in words(curator_client.get(page))
    assert reviewer_client.post(page).status_code == 403
    assert curator_client.post(page, {"limit": 0, "draw": 0, "model_critic": "demo-critic"}).status_code == 422
    chosen = curator_client.get(page).context["form"]["model_critic"].initial

    asked = curator_client.post(page, {"limit": 20, "budget": "0.5", "draw": 0, "model_critic": chosen})

    proposal = Proposal.objects.get()
    assert (asked.status_code, asked.url) == (302, proposal.get_absolute_url())
    assert (proposal.kind, proposal.parameters["limit"], proposal.run) == ("contamination_opinions", 20, None)
    assert "limit=20" in curator_client.get(proposal.get_absolute_url()).context["change"]


def test_answers_of_suspects_are_run_after_a_page_has_counted_them(curator_client, reviewer_client):
    page = reverse("curation:execute_suspects")
    assert "no model is asked" in words(curator_client.get(page)).lower()
    assert reviewer_client.get(page).status_code == 403
    task = a_task(tests="assert twice(2) == 4", solution="def twice(n):\n    return n * 2", entry_point="twice")
    query = a_query("Double it.", contamination="suspect", response="```python\ndef double(n):\n    return n + n\n```")
    ContaminationHit.objects.create(query=query, task=task, tier="neighbour", score=0.9, matched_text="x")

    curator_client.post(page)

    proposal = Proposal.objects.get()
    price(proposal)
    proposal.refresh_from_db()
    assert (proposal.kind, proposal.figures["items"], proposal.figures["calls"]) == ("contamination_execution", 1, 0)
    shown = words(curator_client.get(proposal.get_absolute_url()))
    assert "Start the run" in shown
    curator_client.post(reverse("runs:start", args=[proposal.pk]))
    assert Run.objects.get().kind == "contamination_execution"


def test_the_page_of_contamination_leads_to_the_runs_over_suspects_where_there_are_some(curator_client):
    listed = reverse("curation:contamination")
    assert reverse("curation:judge_suspects") not in curator_client.get(listed).content.decode()
    a_query(contamination="suspect")
    cache.clear()
    page = curator_client.get(listed).content.decode()
    assert reverse("curation:judge_suspects") in page
    assert reverse("curation:execute_suspects") in page
