"""Claims about contamination: what is found, what is set aside, and how it is undone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.contamination import NoBenchmark, check_contamination
from curation.models import Benchmark, BenchmarkTask, ContaminationHit, Query
from curation.overlaps import words_of
from tests.making import a_query
from tests.running import run_command
from tests.test_tiers import PROMPT, SOLUTION


def a_task(prompt=PROMPT, solution=SOLUTION, name="bench"):
    benchmark, _ = Benchmark.objects.get_or_create(name=name, defaults={"sha256": "0"})
    number = benchmark.tasks.count()
    return BenchmarkTask.objects.create(
        benchmark=benchmark, external_id=f"{name}/{number}", prompt=prompt, solution=solution
    )


def check():
    return check_contamination(by=None, door=Door.COMMAND)


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
    assert (checked.checked, checked.set_aside, checked.suspect, dict(checked.hits)) == (2, 1, 0, {"ngram_query": 1})


@pytest.mark.django_db
def test_a_suspect_stays_in_play():
    a_task()
    query = a_query("Given a list of ages of the cats in a shelter, return the mean age.")

    checked = check()

    query.refresh_from_db()
    assert (query.contamination, query.stage, checked.suspect) == ("suspect", "unscored", 1)
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
    assert check().set_aside == 3


@pytest.mark.django_db
def test_what_a_person_cleared_and_what_is_out_of_play_is_not_checked():
    a_task()
    first = a_query("Sort.")
    a_query(PROMPT, contamination="cleared")
    a_query(PROMPT + " Again.", duplicate_of=first)

    assert check().checked == 1
    assert not Action.objects.exists()


@pytest.mark.django_db
def test_a_query_that_someone_audits_keeps_its_version(reviewer):
    a_task()
    held = a_query(PROMPT, claimed_by=reviewer, claimed_until=timezone.now() + timedelta(minutes=5))

    check()

    held.refresh_from_db()
    assert (held.contamination, held.version) == ("set_aside", 1)


@pytest.mark.django_db
def test_more_queries_than_one_block_are_one_action():
    a_task()
    batch = a_query("First.").batch
    Query.objects.bulk_create(
        Query(text=f"{PROMPT} {n}", text_hash=str(n), source=batch.source, batch=batch) for n in range(1100)
    )

    checked = check()

    assert checked.set_aside == checked.action.rows_changed == 1100
    assert Action.objects.count() == 1


@pytest.mark.django_db
def test_without_a_benchmark_the_command_says_what_is_missing():
    with pytest.raises(NoBenchmark):
        check()

    ran = run_command("check_contamination")

    assert ran.exit_code == 2
    assert "import_benchmark FILE --name NAME" in ran.said


@pytest.mark.django_db
def test_the_command_counts_by_tier():
    a_task()
    a_query(PROMPT)
    a_query("How?", response=SOLUTION)

    ran = run_command("check_contamination")

    assert ran.exit_code == 0
    assert {name: ran.result[name] for name in ("checked", "set_aside", "suspect", "hits")} == {
        "checked": 2,
        "set_aside": 2,
        "suspect": 0,
        "hits": {"exact": 1, "ngram_answer": 1},
    }
