"""Claims about near-duplicates: what is alike, what is not, and what stays of a cluster."""

import json

import pytest
from django.utils import timezone

from accounts.actions import CannotUndo, undo
from accounts.models import Action, Door
from curation.duplicates.finding import find_duplicates
from curation.duplicates.likeness import declared_names, folded_words
from curation.duplicates.likeness import likeness as likeness_of
from curation.duplicates.reasons import REASONS
from curation.models import DuplicateCluster, Query
from tests.making import a_query
from tests.running import run_command

CODED = (
    "Complete the function below so that it gives back how many of the numbers in the list are prime, and write three "
    "tests for it:\n\ndef {name}(numbers):\n    ..."
)


def likeness(text):
    return likeness_of(folded_words(text), declared_names(text))


def find():
    return find_duplicates(by=None, door=Door.COMMAND)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Sort a list of numbers.", "SORT a list\n of  numbers"),
        ("Sort a list, then print it.", "Hello! Please sort a list; then print it. Thank you!"),
        ("Use C++ to sort `numbers`.", "use c++ to sort 'numbers'"),
        ("Sort the na\u00efve list.", "Sort the nai\u0308ve\u200b list"),
        (CODED.format(name="primes"), CODED.format(name="how_often")),
        (CODED.format(name="countPrimes"), CODED.format(name="HOW_OFTEN_COUNTED").upper()),
    ],
)
def test_queries_that_differ_in_form_alone_are_alike(first, second):
    assert likeness(first) == likeness(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Sort the list upwards.", "Sort the list downwards."),
        ("Print 10 primes.", "Print 20 primes."),
        ("Print 3.14.", "Print 314."),
        ("Sort it in C.", "Sort it in C++."),
        ("Sort it in C++.", "Sort it in C#."),
        ("What does a + b give?", "What does a - b give?"),
        ("Is a == b?", "Is a != b?"),
        ("def is_even(n):", "def is_odd(n):"),
        ("Count the letters of: Hello", "Count the letters of: Hi"),
        ("What is the problem?", "What is the question?"),
        (CODED.format(name="first_primes"), CODED.format(name="last_primes")),
        (CODED.format(name="findMin"), CODED.format(name="findMax")),
        ("SELECT name FROM staff WHERE age = 5", "SELECT name FROM staff WHERE pay = 5"),
    ],
)
def test_queries_that_ask_for_something_else_are_not_alike(first, second):
    assert likeness(first) != likeness(second)


@pytest.mark.django_db
def test_the_first_of_a_group_stays_and_the_others_point_to_it():
    first, other = a_query("Sort a list of numbers."), a_query("Please sort a list of numbers")
    a_query("Reverse a list of numbers.")
    third = a_query("SORT A LIST OF NUMBERS!")

    found = find()

    assert (found.checked, found.duplicates, found.clusters) == (4, 2, 1)
    assert list(first.duplicates.order_by("pk")) == [other, third]
    other.refresh_from_db()
    assert (other.stage, other.duplicate_reason, other.version) == ("duplicate", REASONS["form"], 2)
    cluster = DuplicateCluster.objects.get()
    assert (cluster.representative, cluster.size) == (first, 3)


@pytest.mark.django_db
def test_the_reason_says_when_names_differ():
    first, other = (a_query(CODED.format(name=name)) for name in ("primes", "how_often"))

    find()

    other.refresh_from_db()
    assert (other.duplicate_of, other.duplicate_reason) == (first, REASONS["names"])


@pytest.mark.django_db
@pytest.mark.parametrize("only_form", [True, False])
def test_names_that_turn_the_task_round_are_not_merged_through_a_third(only_form):
    named = {
        name: a_query(CODED.format(name=name)) for name in ("subscribe", "tell", "unsubscribe", "encode", "decode")
    }
    again = a_query(CODED.format(name="UNSUBSCRIBE").upper())

    found = find_duplicates(by=None, door=Door.COMMAND, only_form=only_form)

    assert found.duplicates == 2
    assert list(named["subscribe"].duplicates.all()) == [named["tell"]]
    assert list(named["unsubscribe"].duplicates.all()) == [again]


@pytest.mark.django_db
def test_names_that_differ_in_a_number_are_linked_as_variants():
    for name in ("top_3", "top_5"):
        a_query(CODED.format(name=name))

    found = find()

    assert (found.duplicates, found.variants) == (0, 1)


@pytest.mark.django_db
def test_a_second_pass_finds_nothing_and_a_later_import_joins_the_cluster():
    first = a_query("Sort a list of numbers.")
    a_query("sort a list of numbers!")
    find()
    assert find().action is None

    a_query("Sort a list of numbers?")

    assert find().duplicates == 1
    assert DuplicateCluster.objects.get().size == 3
    assert first.duplicates.count() == 2


@pytest.mark.django_db
def test_two_clusters_that_turn_out_to_be_one_are_joined():
    earliest = a_query("Sort a list of numbers.", contamination="set_aside")
    second, third = a_query("sort a list of numbers!"), a_query("Sort a list of numbers??")
    find()
    assert list(second.duplicates.all()) == [third]
    Query.objects.filter(pk=earliest.pk).update(contamination="cleared")

    find()

    # The cluster that stands keeps its representative, and moves with it.
    assert set(earliest.duplicates.all()) == {second, third}
    assert not second.duplicates.exists()
    assert [cluster.size for cluster in DuplicateCluster.objects.order_by("pk")] == [0, 3]


@pytest.mark.django_db
def test_undoing_the_pass_dissolves_its_clusters():
    a_query("Sort a list of numbers.")
    other = a_query("sort a list of numbers!")
    found = find()
    assert found.action.rows_changed == 3

    undo(found.action, by=None)

    other.refresh_from_db()
    assert (other.duplicate_of, other.duplicate_reason, other.stage) == (None, "", "unscored")
    assert DuplicateCluster.objects.get().size == 0
    assert find().duplicates == 1
    assert DuplicateCluster.objects.get().size == 2


@pytest.mark.django_db
def test_an_earlier_pass_cannot_be_undone_under_a_later_one():
    a_query("Sort a list of numbers.")
    a_query("sort a list of numbers!")
    earlier = find().action
    a_query("Sort a list of numbers?")
    find()

    with pytest.raises(CannotUndo):
        undo(earlier, by=None)

    assert Query.objects.filter(duplicate_of__isnull=False).count() == 2


@pytest.mark.django_db
def test_many_groups_are_one_action(monkeypatch):
    monkeypatch.setattr("curation.duplicates.finding.WRITTEN_TOGETHER", 6)
    batch, groups = a_query("First.").batch, 2 * 6 + 1
    Query.objects.bulk_create(
        Query(text=f"Print {n} {form}", text_hash=f"{n}{form}", source=batch.source, batch=batch)
        for n in range(groups)
        for form in ("primes.", "Primes!")
    )

    found = find()

    assert (found.duplicates, found.clusters) == (groups, groups)
    # Each gives a query, a member and a cluster; the groups are variants of the first besides.
    assert found.variants == groups - 1
    assert found.action.rows_changed == 3 * groups + groups
    assert Action.objects.count() == 1


@pytest.mark.django_db
def test_a_decided_duplicate_keeps_its_decision_for_an_undo():
    a_query("Sort a list of numbers.")
    decided = {"decision": "keep", "decision_rule": "mean_at_least 4.0", "decided_at": timezone.now()}
    kept = a_query("sort a list of numbers!", scoring="readable", mean=4.5, **decided)

    undo(find().action, by=None)

    kept.refresh_from_db()
    assert kept.stage == "kept"


@pytest.mark.django_db
def test_the_command_says_what_it_found():
    a_query("Sort a list of numbers.")
    a_query("sort a list of numbers!")

    ran = run_command("find_duplicates")

    assert ran.exit_code == 0
    assert ran.result == {
        "checked": 2,
        "duplicates": 1,
        "clusters": 1,
        "variants": 0,
        "paraphrases": 0,
        "action": Action.objects.get().pk,
    }
    assert "no new near-duplicates" in run_command("find_duplicates").said


@pytest.mark.needs("sample_pool")
def test_labelled_duplicates_are_merged_and_other_questions_are_not(pool):
    path = pool / "probes" / "dev" / "near_duplicates.jsonl"
    pairs = [json.loads(line) for line in path.read_text().split("\n") if line]
    merged = {"duplicate": [], "distinct": [], "related": [], "near_duplicate": []}
    for pair in pairs:
        merged[pair["label"]].append(likeness(pair["a"]) == likeness(pair["b"]))

    assert sum(merged["duplicate"]) >= 0.99 * len(merged["duplicate"])
    assert not any(merged["distinct"])
    assert not any(merged["related"])
