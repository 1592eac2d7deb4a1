"""Claims about contamination: what is found, what is set aside, and how it is undone."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.contamination import suspects
from curation.contamination.checking import NoBenchmark, ask_for_check, check_contamination
from curation.contamination.overlaps import words_of
from curation.models import Benchmark, BenchmarkTask, Contamination, ContaminationHit, ContaminationPass, Query
from curation.models.pool_passes import SILENT_FOR
from curation.readings import key_blocks
from tests.making import a_query
from tests.running import run_command
from tests.test_tiers import PROMPT, SOLUTION


def a_task(prompt=PROMPT, solution=SOLUTION, name="bench"):
    benchmark, _ = Benchmark.objects.get_or_create(name=name, defaults={"sha256": "0"})
    number = benchmark.tasks.count()
    return BenchmarkTask.objects.create(
        benchmark=benchmark, external_id=f"{name}/{number}", prompt=prompt, solution=solution
    )


@pytest.fixture
def small_blocks(monkeypatch):
    """Two and a bit of them are ten times fewer queries."""
    monkeypatch.setattr("curation.contamination.checking.key_blocks", partial(key_blocks, size=50))


def a_cleared(text, task, by):
    """A query that lay near a task, and that a person cleared."""
    query = a_query(text, contamination="suspect", claimed_by=by, claimed_until=timezone.now() + timedelta(minutes=5))
    a_hit(query, task)
    suspects.judge_suspect(query.pk, Contamination.CLEARED, version=query.version, by=by)
    return query


def a_hit(query, task, tier="neighbour", **columns):
    return ContaminationHit.objects.create(
        query=query, task=task, tier=tier, **{"score": 0.5, "matched_text": "x"} | columns
    )


def check(embedder=None, **asked):
    one = ask_for_check(by=None, **asked)
    check_contamination(one, door=Door.COMMAND, embedder=embedder)
    return one


@pytest.mark.django_db
def test_contaminated_queries_are_set_aside_with_the_evidence():
    task = a_task()
    dirty, clean = a_query(PROMPT + " Please."), a_query("Sort a list of numbers.")

    checked = check()

    dirty.refresh_from_db()
    clean.refresh_from_db()
    assert (dirty.contamination, dirty.stage, dirty.version) == ("set_aside", "set_aside", 2)
    assert (clean.contamination, clean.version) == ("none", 1)
    hit = ContaminationHit.objects.get()
    assert (hit.query, hit.task, hit.tier, hit.score) == (dirty, task, "ngram_query", 1.0)
    assert hit.matched_text == " ".join(words_of(PROMPT))
    assert checked.found == {"checked": 2, "set_aside": 1, "suspect": 0, "hits": {"ngram_query": 1}}


@pytest.mark.django_db
def test_a_suspect_stays_in_play():
    a_task()
    query = a_query("Given a list of ages of the cats in a shelter, return the mean age.")

    checked = check()

    query.refresh_from_db()
    assert (query.contamination, query.stage, checked.found["suspect"]) == ("suspect", "unscored", 1)
    assert query.suspicion == ContaminationHit.objects.get().score
    assert check().action is None


@pytest.mark.django_db
def test_the_check_is_one_action_and_undoing_it_puts_the_queries_back():
    a_task()
    queries = [a_query(f"{PROMPT} Variant {number}.") for number in range(3)]
    checked = check()
    assert checked.action.rows_changed == 3

    undo(checked.action, by=None)

    assert set(Query.objects.values_list("contamination", flat=True)) == {"none"}
    assert ContaminationHit.objects.count() == len(queries)
    assert check().found["set_aside"] == 3


@pytest.mark.django_db
def test_what_a_person_cleared_stays_cleared_and_a_duplicate_is_checked_too(reviewer):
    task = a_task()
    first = a_query("Sort.")
    cleared = a_cleared(PROMPT, task, reviewer)
    duplicate = a_query(PROMPT + " Again.", duplicate_of=first)

    check()

    cleared.refresh_from_db()
    duplicate.refresh_from_db()
    assert cleared.contamination == "cleared"
    assert (duplicate.contamination, duplicate.stage) == ("set_aside", "duplicate")


@pytest.mark.django_db
def test_only_what_was_not_read_against_the_same_tasks_is_read():
    a_task()
    a_query("Sort a list.")
    assert check().found["checked"] == 1
    assert check().found["checked"] == 0
    a_query(PROMPT)
    assert check().found == {"checked": 1, "set_aside": 1, "suspect": 0, "hits": {"exact": 1}}
    assert check(again=True).found["checked"] == 2
    a_task("Sort a list.")
    assert check().found == {"checked": 2, "set_aside": 1, "suspect": 0, "hits": {"exact": 1}}


@pytest.mark.django_db
def test_a_check_that_was_killed_goes_on_at_its_block(small_blocks):
    a_task()
    batch = a_query("First.").batch
    Query.objects.bulk_create(
        Query(text=f"{PROMPT} {n}", text_hash=str(n), source=batch.source, batch=batch) for n in range(110)
    )

    def die(doing, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_contamination(ask_for_check(by=None), door=Door.COMMAND, embedder=None, tell=die)

    assert Query.objects.filter(contamination="set_aside").count() == 49
    ContaminationPass.objects.update(told_at=timezone.now() - 2 * SILENT_FOR)
    assert check().found["checked"] == 61
    assert Query.objects.filter(contamination="set_aside").count() == 110
    assert ContaminationPass.objects.count() == 2


@pytest.mark.django_db
def test_a_query_that_someone_audits_keeps_its_version(reviewer):
    a_task()
    held = a_query(PROMPT, claimed_by=reviewer, claimed_until=timezone.now() + timedelta(minutes=5))

    check()

    held.refresh_from_db()
    assert (held.contamination, held.version) == ("set_aside", 1)


@pytest.mark.django_db
def test_more_queries_than_one_block_are_one_action(small_blocks):
    a_task()
    batch = a_query("First.").batch
    Query.objects.bulk_create(
        Query(text=f"{PROMPT} {n}", text_hash=str(n), source=batch.source, batch=batch) for n in range(110)
    )

    checked = check()

    assert checked.found["set_aside"] == checked.action.rows_changed == 110
    assert Action.objects.count() == 1


@pytest.mark.django_db
def test_without_a_benchmark_the_command_says_what_is_missing():
    with pytest.raises(NoBenchmark):
        check()

    ran = run_command("check_contamination", "--nearest", "0")

    assert ran.exit_code == 2
    assert "import_benchmark FILE --name NAME" in ran.said


@pytest.mark.django_db
def test_the_command_counts_by_tier():
    a_task()
    a_query(PROMPT)
    a_query("How?", response=SOLUTION)

    ran = run_command("check_contamination", "--nearest", "0")

    assert ran.exit_code == 0
    assert {name: ran.result[name] for name in ("checked", "set_aside", "suspect", "hits")} == {
        "checked": 2,
        "set_aside": 2,
        "suspect": 0,
        "hits": {"exact": 1, "ngram_answer": 1},
    }
