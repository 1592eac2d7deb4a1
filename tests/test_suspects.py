"""The queue of suspects: handed out once, judged by a person, taken back; the pages of it and of what checks found."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actions import CannotUndo, undo
from accounts.models import Action, Door
from curation.contamination import opinions, solving, suspects
from curation.contamination.checking import ask_for_check, check_contamination
from curation.models import Benchmark, BenchmarkTask, Contamination, ContaminationHit, ContaminationPass, Query
from curation.tasks import check
from runs.models import Run
from tests.making import a_query, a_source
from tests.page_text import HTMX, words
from web.claims import Stale
from web.likenesses import shared_stretches

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_counts():
    cache.clear()


def a_task(prompt="Find the largest prime factor of a number.", tests=""):
    benchmark, _ = Benchmark.objects.get_or_create(name="bench", defaults={"sha256": "0"})
    return BenchmarkTask.objects.create(
        benchmark=benchmark,
        external_id=f"bench/{benchmark.tasks.count()}",
        prompt=prompt,
        solution="return 7",
        tests=tests,
    )


def a_suspect(suspicion=0.7, text=None, *, task=None, **columns):
    query = a_query(text, contamination="suspect", suspicion=suspicion, **columns)
    ContaminationHit.objects.create(
        query=query, task=task or a_task(), tier="neighbour", score=suspicion, matched_text=query.text
    )
    return query


def judge(query, fact, by):
    query.refresh_from_db()
    return suspects.judge_suspect(query.pk, Contamination(fact), version=query.version, by=by)


def address(query):
    return reverse("curation:suspect", args=[query.pk])


def test_the_likeliest_comes_first_and_two_people_get_different_ones(reviewer, curator):
    now = timezone.now()
    second, first = a_suspect(0.6), a_suspect(0.9)
    a_suspect(0.95, duplicate_of=first)

    assert suspects.next_suspect(by=reviewer, at=now) == first
    assert suspects.next_suspect(by=curator, at=now) == second
    assert suspects.take(first.pk, by=curator, at=now) is None
    assert suspects.previous_suspect(by=reviewer, at=now + timedelta(hours=1), before=second) == first


@pytest.mark.parametrize(("fact", "stage"), [("set_aside", "set_aside"), ("cleared", "unscored")])
def test_a_decision_is_an_action_and_undo_makes_it_a_suspect_again(reviewer, fact, stage):
    query = suspects.next_suspect(by=reviewer, at=timezone.now()) or a_suspect()
    suspects.take(query.pk, by=reviewer, at=timezone.now())

    action = judge(query, fact, reviewer)

    query.refresh_from_db()
    assert (query.contamination, query.stage, query.claimed_by, query.version) == (fact, stage, None, 2)
    [given] = suspects.judged_by(reviewer, most=10)
    assert (given.query, given.fact, given.action) == (query, fact, action)

    suspects.take_back(query.pk, by=reviewer)

    query.refresh_from_db()
    assert (query.contamination, query.version) == ("suspect", 3)
    assert suspects.judged_by(reviewer, most=10) == []
    with pytest.raises(CannotUndo):
        suspects.take_back(query.pk, by=reviewer)


def test_only_the_holder_of_the_shown_version_decides(reviewer, curator):
    query = a_suspect()
    suspects.take(query.pk, by=reviewer, at=timezone.now())

    with pytest.raises(Stale):
        judge(query, "cleared", curator)
    with pytest.raises(Stale):
        suspects.judge_suspect(query.pk, Contamination.CLEARED, version=9, by=reviewer)
    assert not Action.objects.exists()


def test_what_was_cleared_stays_cleared_when_the_check_runs_again_and_undo_of_the_check_leaves_it(reviewer):
    text = "Find the largest prime factor of a number that the user gives, and print it with its power in the number."
    a_task(text)
    query = a_query(text.replace("and print it with its power in the number", "then stop"))
    one = ask_for_check(by=None)
    check_contamination(one, door=Door.COMMAND, embedder=None)
    suspects.take(query.pk, by=reviewer, at=timezone.now())
    judge(query, "cleared", reviewer)

    check_contamination(ask_for_check(by=None, again=True), door=Door.COMMAND, embedder=None)

    query.refresh_from_db()
    assert query.contamination == "cleared"
    with pytest.raises(CannotUndo):
        undo(one.action, by=reviewer)


def test_a_skipped_suspect_waits_for_others_only(reviewer, curator):
    now = timezone.now()
    query = a_suspect()
    suspects.next_suspect(by=reviewer, at=now)
    suspects.skip(query, by=reviewer, at=now, until=now + timedelta(days=1))

    assert suspects.next_suspect(by=reviewer, at=now) is None
    assert suspects.next_suspect(by=curator, at=now) == query
    assert suspects.next_suspect(by=reviewer, at=now + timedelta(days=2)) == query


def test_the_desk_shows_both_texts_with_what_they_share_and_goes_on_by_itself(reviewer_client, reviewer):
    first = a_suspect(0.9, "Print the biggest prime <b>factors</b> of numbers.")
    second = a_suspect(0.8)
    opened = reviewer_client.get(reverse("curation:suspects"))
    assert opened.url == address(first)
    page = reviewer_client.get(address(first))
    assert "<mark>prime</mark>" in page.content.decode()
    assert "&lt;b&gt;" in page.content.decode()
    for told in ("bench/0 of bench", "near in meaning", "Similarity 0.90", "1 of 2 waiting"):
        assert told in words(page)

    sent = {"version": first.version, "fact": "set_aside"}
    response = reviewer_client.post(address(first), sent, follow=True)

    assert response.redirect_chain[-1][0] == address(second)
    assert f"query {first.pk}, set aside" in words(response)
    assert Query.objects.get(pk=first.pk).stage == "set_aside"
    undone = reviewer_client.post(reverse("curation:suspect_reopen", args=[first.pk]), follow=True)
    assert "Is it the task?" in words(undone)
    skipped = reviewer_client.post(reverse("curation:suspect_skip", args=[first.pk]), follow=True)
    assert skipped.redirect_chain[-1][0] == address(second)


def test_the_desk_shows_how_the_benchmark_tests_its_task(reviewer_client):
    query = a_suspect(task=a_task(tests="def check(f):\n    assert f(9) == 3"))
    assert (
        "return 7\n\ndef check(f):\n    assert f(9) == 3</pre>" in reviewer_client.get(address(query)).content.decode()
    )


def test_the_task_that_a_model_calls_the_same_stands_beside_the_query_and_each_other_can(reviewer_client):
    query = a_suspect(0.8)
    near = query.contamination_hits.get()
    ContaminationHit.objects.filter(pk=near.pk).update(opinion="other")
    same = ContaminationHit.objects.create(
        query=query, task=a_task("Print trees."), tier="neighbour", score=0.55, matched_text="x", opinion="same"
    )
    apart = f"{address(query)}?source={query.source.slug}&hit={near.pk}"

    page = reviewer_client.get(f"{address(query)}?source={query.source.slug}")

    assert (page.context["hit"], [one.hit for one in page.context["near"]]) == (same, [same, near])
    assert "near in meaning 0.80 · a model says: another task" in words(page)
    assert f'href="{apart.replace("&", "&amp;")}"' in page.content.decode()
    opened = reviewer_client.get(apart)
    assert opened.context["hit"] == near
    assert [(one.is_shown, one.key) for one in opened.context["near"]] == [(False, "up"), (True, "")]
    for senseless in ("0", "x", ""):
        assert reviewer_client.get(f"{address(query)}?hit={senseless}").context["hit"] == same


def test_what_was_merged_waits_for_nobody_and_nothing_is_paid_for_it(curator_client):
    task = a_task(tests="assert f(9) == 3")
    answer = "```python\ndef f(n):\n    return 3\n```"
    BenchmarkTask.objects.update(solution="def f(n):\n    return 3", entry_point="f")
    first = a_suspect(0.9, task=task, response=answer)
    merged = a_suspect(0.8, task=task, response=answer, duplicate_of=first)
    listed = reverse("curation:contamination")

    assert "Look at suspects (1)" in words(curator_client.get(listed))
    assert [item.payload["hit_id"] for item in opinions.plan(Run(parameters={}))] == [first.contamination_hits.get().pk]
    assert [item.payload["query_id"] for item in solving.plan(Run(parameters={}))] == [first.pk]

    Query.objects.filter(pk=first.pk).update(contamination="cleared")
    cache.clear()
    page = words(curator_client.get(listed))
    assert "Look at suspects" in page
    for not_offered in ("suspects (", "Judge suspects", "Run their answers"):
        assert not_offered not in page
    assert merged.contamination == "suspect"


def test_the_rail_counts_what_the_reader_put_off_while_it_waits(reviewer_client, reviewer, curator):
    query, now = a_suspect(), timezone.now()
    reviewer_client.post(reverse("curation:suspect_skip", args=[query.pk]))
    assert "Skipped by you 1" in words(reviewer_client.get(reverse("curation:suspects")))
    suspects.take(query.pk, by=curator, at=now)
    judge(query, "cleared", curator)

    assert "Skipped by you 0" in words(reviewer_client.get(reverse("curation:suspects")))


def test_a_late_or_senseless_decision_changes_nothing(reviewer_client, curator):
    query = a_suspect()
    suspects.take(query.pk, by=curator, at=timezone.now())
    late = reviewer_client.post(address(query), {"version": 1, "fact": "cleared"}, headers=HTMX)
    assert late.status_code == 409
    assert "Not saved (cleared by a person)" in words(late)
    assert f"{curator.username} has it until" in words(late)
    assert reviewer_client.post(address(query), {"version": 1, "fact": "none"}).status_code == 400
    assert Query.objects.get().contamination == "suspect"


def test_an_empty_queue_says_where_suspects_come_from(reviewer_client):
    assert "No suspect waits for you" in words(reviewer_client.get(reverse("curation:suspects")))


def test_hits_are_listed_by_benchmark_tier_and_state(reviewer_client):
    task = a_task()
    a_suspect(0.5, "Alpha query", task=task)
    proved = a_query("Beta query", contamination="set_aside")
    ContaminationHit.objects.create(query=proved, task=task, tier="exact", score=1, matched_text="beta")
    listed = reverse("curation:contamination")

    assert "2 hits" in words(reviewer_client.get(listed))
    for narrowed in ("?tier=exact", "?state=set_aside", "?state=set_aside&benchmark=bench"):
        page = words(reviewer_client.get(listed + narrowed))
        assert "Beta query" in page
        assert "Alpha query" not in page
    assert "No hit fits" in words(reviewer_client.get(listed + "?tier=execution"))


def test_pages_ask_as_much_for_many_hits_as_for_few(reviewer_client):
    def asked(path):
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            reviewer_client.get(path)
        return len(captured)

    first = a_suspect(0.9)
    paths = [reverse("curation:contamination"), address(first)]
    few = [asked(path) for path in paths]
    for number in range(13):
        a_suspect(0.5 + number / 100, source=a_source("other"))
        ContaminationHit.objects.create(query=first, task=a_task(), tier="neighbour", score=0.1, matched_text="x")
    assert [asked(path) for path in paths] == few
    assert "And 2 that are less near." in words(reviewer_client.get(address(first)))


def test_a_check_is_started_on_a_page_and_done_once_by_the_worker(curator_client, curator, reviewer_client):
    task = a_task()
    a_query(task.prompt)
    form = reverse("curation:check_contamination")
    assert "1 of 1 query not read" in words(curator_client.get(form))
    assert reviewer_client.get(form).status_code == 403

    response = curator_client.post(form, {"nearest": 0}, follow=True)

    one = ContaminationPass.objects.get()
    assert (one.nearest, one.by) == (0, curator)
    check(one.pk)
    check(one.pk)
    one.refresh_from_db()
    assert (one.state, one.found["set_aside"], one.action.door) == ("done", 1, "page")
    assert "see or undo" in words(curator_client.get(reverse("curation:contamination")))
    assert response.status_code == 200


def test_a_check_that_fell_silent_says_so(reviewer_client):
    ContaminationPass.objects.create(told_at=timezone.now() - timedelta(hours=1))
    assert "Start a check again" in words(reviewer_client.get(reverse("curation:contamination")))


def test_shared_words_are_marked_with_the_empty_ones_between_them():
    pieces = shared_stretches("Return the sum of the primes below n", "sums of a prime")
    assert [(one.text, one.shared) for one in pieces] == [
        ("Return the ", False),
        ("sum of the primes", True),
        (" below n", False),
    ]
    assert "".join(one.text for one in shared_stretches("a b\n c", "x")) == "a b\n c"
