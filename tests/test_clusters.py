"""A person's word on clusters: it is remembered, it can be undone, and no search overrules it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Door
from curation.duplicates import settling
from curation.duplicates.finding import find_duplicates
from curation.duplicates.reasons import REASONS
from curation.models import ClusterMember, DuplicateCluster, Query
from tests.clustered import TEXTS, a_cluster, facts, find
from tests.making import a_query

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster():
    return a_cluster()


def test_a_slip_a_form_and_the_first_are_one_cluster(cluster):
    assert cluster.size == 3
    assert set(cluster.members.values_list("how", flat=True)) == {"typo", "form"}
    assert find().action is None


def test_likeness_is_no_chain():
    # Each differs from its neighbour by a slip; the first and the last are two words of the language.
    a_query("Read each angle of a file of shapes.")
    a_query("Read each anlge of a file of shapes.")
    a_query("Read each angel of a file of shapes.")
    find()
    merged = Query.objects.filter(duplicate_of__isnull=False)
    assert merged.count() <= 1
    assert DuplicateCluster.objects.filter(size__gt=2).count() == 0


@pytest.mark.parametrize("verb", ["keep", "part", "represent", "dissolve"])
def test_undo_restores_every_fact(cluster, curator, verb):
    member = cluster.members.order_by("pk").first()
    before = facts()
    arguments = [cluster.pk] if verb == "dissolve" else [cluster.pk, member.query_id]
    action = getattr(settling, verb)(*arguments, by=curator)
    assert facts() != before
    undo(action, by=curator)
    assert facts() == before


def test_what_was_told_apart_stays_apart(cluster, curator):
    member = cluster.members.get(how="form")
    settling.part(cluster.pk, member.query_id, by=curator)
    assert Query.objects.get(pk=member.query_id).duplicate_of is None
    assert find().action is None
    assert DuplicateCluster.objects.get(pk=cluster.pk).size == 2


def test_a_dissolved_cluster_is_not_found_again(cluster, curator):
    settling.dissolve(cluster.pk, by=curator)
    assert find().action is None
    assert not Query.objects.filter(duplicate_of__isnull=False).exists()


def find_while(says):
    """Search while a person says something, just when the search has read what people said before."""
    waiting = [says]

    def progress(items, *, total, what):
        if what.startswith("reading") and waiting:
            waiting.pop()()
        return items

    return find_duplicates(by=None, door=Door.COMMAND, progress=progress)


@pytest.mark.parametrize("verb", ["part", "dissolve"])
def test_what_is_told_apart_while_a_search_reads_stays_apart(cluster, curator, verb):
    member = cluster.members.get(how="form")
    later = a_query("SORT the values of a list?")

    found = find_while(
        lambda: (
            settling.part(cluster.pk, member.query_id, by=curator)
            if verb == "part"
            else settling.dissolve(cluster.pk, by=curator)
        )
    )

    # What nobody spoke of is merged all the same.
    assert found.duplicates == 1
    assert list(Query.objects.filter(pk__in=[later.pk, member.query_id], duplicate_of=None)) == [member.query]
    assert find().action is None


def test_a_link_is_not_made_against_what_was_said_while_a_search_reads(curator):
    _, other = a_query("Print the first 10 primes."), a_query("Print the first 20 primes.")
    find()
    settling.keep(DuplicateCluster.objects.get(kind="variant").pk, other.pk, by=curator)
    merged = DuplicateCluster.objects.get(kind="near")

    assert find_while(lambda: settling.part(merged.pk, other.pk, by=curator)).action is None


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_cluster_is_not_moved_once_a_person_kept_a_member(curator, when):
    earliest = a_query("Sort a list of numbers.", contamination="set_aside")
    second, third = a_query("sort a list of numbers!"), a_query("Sort a list of numbers??")
    find()
    Query.objects.filter(pk=earliest.pk).update(contamination="cleared")

    def keep():
        settling.keep(DuplicateCluster.objects.get().pk, third.pk, by=curator)

    if when == "before":
        keep()
    found = find() if when == "before" else find_while(keep)

    assert found.action is None
    assert list(second.duplicates.all()) == [third]


def test_the_new_representative_leads_all_and_a_later_import_joins_it(cluster, curator):
    second = cluster.members.order_by("pk").last().query
    settling.represent(cluster.pk, second.pk, by=curator)
    assert second.duplicates.count() == 2
    later = a_query("SORT the values of a list?")
    find()
    later.refresh_from_db()
    assert later.duplicate_of == second


def reasons():
    """The text of each duplicate, how it is a member, and the reason that is told of it."""
    columns = ("query__text", "how", "query__duplicate_reason")
    return {
        text: (how, reason) for text, how, reason in ClusterMember.objects.filter(stands=True).values_list(*columns)
    }


def test_the_reasons_are_those_of_the_new_representative(cluster, curator):
    before = facts()
    action = settling.represent(cluster.pk, cluster.members.get(how="typo").query_id, by=curator)
    assert reasons() == dict.fromkeys([TEXTS[0], TEXTS[2]], ("typo", REASONS["typo"]))
    undo(action, by=curator)
    assert facts() == before


def test_a_person_is_the_reason_where_the_words_of_the_new_representative_are_others(cluster, curator):
    others = [a_query("Order the numbers of a row."), a_query("order the numbers of a row!")]
    find()
    joined = DuplicateCluster.objects.get(kind="form")
    settling.join(cluster.pk, joined.pk, by=curator)
    before = facts()
    action = settling.represent(cluster.pk, others[0].pk, by=curator)
    told = dict.fromkeys(TEXTS, ("person", REASONS["person"]))
    assert reasons() == told | {others[1].text: ("form", REASONS["form"])}
    undo(action, by=curator)
    assert facts() == before


def test_the_duplicates_of_a_query_that_is_merged_itself_are_told_by_their_own_words():
    earliest = a_query("SORT the values of a list.", contamination="set_aside")
    for text in TEXTS:
        a_query(text)
    find()
    Query.objects.filter(pk=earliest.pk).update(contamination="cleared")
    find()
    assert {text: how for text, (how, _) in reasons().items()} == dict(
        zip(TEXTS, ("form", "typo", "form"), strict=True)
    )


def test_two_clusters_are_joined_by_a_person(cluster, curator):
    a_query("Order the numbers of a row.")
    a_query("order the numbers of a row!")
    find()
    other = DuplicateCluster.objects.get(kind="form")
    before = facts()
    action = settling.join(cluster.pk, other.pk, by=curator)
    assert DuplicateCluster.objects.get(pk=cluster.pk).size == 5
    assert find().action is None
    undo(action, by=curator)
    assert facts() == before


@pytest.mark.django_db(transaction=True)
def test_two_clusters_joined_from_either_side_at_once_are_one(curator):
    for text in ("Sort a list of numbers.", "Draw a tree."):
        a_query(text)
        a_query(text.upper())
    find()
    one, other = DuplicateCluster.objects.values_list("pk", flat=True)
    together = threading.Barrier(2)

    def join(ends):
        together.wait()
        try:
            return settling.join(*ends, by=curator).verb
        except settling.CannotSettle:
            return "too late"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(join, [(one, other), (other, one)])) == ["join clusters", "too late"]
    assert Query.objects.in_play().count() == 1


def test_variants_are_linked_and_stay_in_play_until_a_person_merges_them(curator):
    first, other = a_query("Print the first 10 primes."), a_query("Print the first 20 primes.")
    assert find().variants == 1
    cluster = DuplicateCluster.objects.get(kind="variant")
    assert Query.objects.in_play().count() == 2
    settling.keep(cluster.pk, other.pk, by=curator)
    other.refresh_from_db()
    assert other.duplicate_of == first
    assert find().action is None


def test_a_query_that_someone_holds_is_left_for_the_next_pass(reviewer):
    a_query("Sort a list of numbers.")
    held = a_query("sort a list of numbers!", claimed_by=reviewer, claimed_until=timezone.now() + timezone.timedelta(1))
    assert find().action is None
    Query.objects.filter(pk=held.pk).update(claimed_until=None)
    assert find().duplicates == 1


def test_meaning_reports_what_no_word_contradicts():
    first = a_query("Count how often a value stands in a list.")
    second = a_query("How many times does x appear in my array?")
    third = a_query("Do not count how many values there are.")

    def nearby():
        yield second.pk, [(first.pk, 0.8)]
        yield third.pk, [(second.pk, 0.9)]

    found = find_duplicates(by=None, door=Door.COMMAND, nearby=nearby)
    assert (found.duplicates, found.paraphrases) == (0, 1)
    member = DuplicateCluster.objects.get(kind="paraphrase").members.get()
    assert (member.query, member.similarity) == (second, 0.8)
