"""Claims about contamination: what is found, what is set aside, and how it is undone."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.contamination import NoBenchmark, check_contamination
from curation.models import Benchmark, BenchmarkTask, ContaminationHit, Query
from curation.overlaps import TaskIndex, TaskText, Tier, words_of
from tests.making import a_query
from tests.running import run_command

PROMPT = (
    "Given a list of ages of the cats in a shelter, return the sum of the two oldest cats whose names share no letter."
)
SOLUTION = """def oldest_pair(cats):
    best = 0
    for first, second in combinations(cats, 2):
        if not set(first.name) & set(second.name):
            best = max(best, first.age + second.age)
    return best
"""
INDEX = TaskIndex([TaskText(7, PROMPT, SOLUTION), TaskText(8, "Count the vowels twice.", "return 2 * vowels(text)")])


def a_task(prompt=PROMPT, solution=SOLUTION, name="bench"):
    benchmark, _ = Benchmark.objects.get_or_create(name=name, defaults={"sha256": "0"})
    number = benchmark.tasks.count()
    return BenchmarkTask.objects.create(
        benchmark=benchmark, external_id=f"{name}/{number}", prompt=prompt, solution=solution
    )


def check():
    return check_contamination(by=None, door=Door.COMMAND)


def found(query, response=""):
    return [(one.task_id, one.tier, one.proves) for one in INDEX.overlaps(query, response)]


@pytest.mark.parametrize(
    "query",
    [
        PROMPT,
        PROMPT.upper().replace(",", " ;"),
        "  " + PROMPT.replace(" ", "\n\t"),
        PROMPT.replace("a", "\u0430").replace("o", "\u03bf").replace("the", "t\u200bhe"),
    ],
)
def test_the_same_text_is_found_whatever_it_is_dressed_in(query):
    assert found(query) == [(7, Tier.EXACT, True)]


def test_a_task_inside_a_longer_query_is_found_by_its_runs_of_words():
    [overlap] = INDEX.overlaps(f"You are an expert. Solve this. {PROMPT} Explain each step.", "")

    assert (overlap.task_id, overlap.tier, overlap.score) == (7, Tier.NGRAM_QUERY, 1.0)
    assert overlap.matched == " ".join(words_of(PROMPT))


def test_a_phrase_in_common_is_a_suspicion_and_no_proof():
    query = "Write a function: given a list of ages of the cats in a barn, return the mean age."

    assert found(query) == [(7, Tier.NGRAM_QUERY, False)]


def test_a_task_shorter_than_a_run_is_found_as_a_whole():
    assert found("Count the vowels twice.") == [(8, Tier.EXACT, True)]
    assert found("First sort the words. Then count the vowels twice. Print it.") == [(8, Tier.EXACT, True)]
    assert found("Count the vowels.") == []


def test_an_answer_that_holds_the_solution_is_found():
    assert found("How do I pair cats?", f"Like so:\n```python\n{SOLUTION}```") == [(7, Tier.NGRAM_ANSWER, True)]
    assert found("How do I pair cats?", "for first, second in combinations(cats, 2): if not set(first.name):") == []


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
    query = a_query("Given a list of ages of the cats in a barn, return the mean age.")

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


@pytest.mark.needs("sample_pool")
def test_planted_benchmark_tasks_are_found_and_clean_queries_left_alone(pool):
    def lines(*parts):
        return [json.loads(line) for line in pool.joinpath(*parts).read_text().split("\n") if line]

    humaneval = lines("humaneval", "HumanEval.jsonl")
    tasks = [TaskText(n, one["prompt"], one["prompt"] + one["canonical_solution"]) for n, one in enumerate(humaneval)]
    mbpp = lines("mbpp", "mbpp.jsonl")
    tasks += [TaskText(1000 + n, one["text"], one["code"]) for n, one in enumerate(mbpp)]
    index = TaskIndex(tasks)
    proved, counted = {}, {}
    for probe in lines("probes", "dev", "contamination.jsonl"):
        kind = probe["variant"] if probe["label"] == "contaminated" else probe["label"]
        hit = any(one.proves for one in index.overlaps(probe["query"], probe["answer"]))
        proved[kind], counted[kind] = proved.get(kind, 0) + hit, counted.get(kind, 0) + 1

    rates = {kind: proved[kind] / counted[kind] for kind in counted}
    assert rates["verbatim"] == 1
    for kind in (
        "reflowed",
        "preamble",
        "embedded",
        "case_punct",
        "docstring_only",
        "homoglyph_zero_width",
        "ported_js",
        "solution_in_answer",
    ):
        assert rates[kind] >= 0.95, kind
    assert proved["clean"] <= 0.01 * sum(proved.values())
