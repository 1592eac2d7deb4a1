"""A person's word on clusters: it is remembered, it can be undone, and the pages show what differs."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.duplicates import settling
from curation.duplicates.finding import find_duplicates
from curation.models import ClusterMember, Distinction, DuplicateCluster, Query
from tests.making import a_query

pytestmark = pytest.mark.django_db

TEXTS = ["Sort the values of a list.", "Sort the vaules of a list.", "sort the values of a list!"]


def find():
    return find_duplicates(by=None, door=Door.COMMAND)


def facts():
    """All that a verb may change, versions left out."""
    return (
        list(Query.objects.order_by("pk").values_list("pk", "duplicate_of", "duplicate_reason", "stage")),
        list(DuplicateCluster.objects.order_by("pk").values_list("pk", "representative", "size", "kind", "source")),
        list(ClusterMember.objects.filter(stands=True).order_by("pk").values_list("cluster", "query", "settled")),
        list(Distinction.objects.filter(stands=True).values_list("first", "second")),
    )


@pytest.fixture
def cluster():
    for text in TEXTS:
        a_query(text)
    find()
    return DuplicateCluster.objects.get(kind="near")


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


def test_the_new_representative_leads_all_and_a_later_import_joins_it(cluster, curator):
    second = cluster.members.order_by("pk").last().query
    settling.represent(cluster.pk, second.pk, by=curator)
    assert second.duplicates.count() == 2
    later = a_query("SORT the values of a list?")
    find()
    later.refresh_from_db()
    assert later.duplicate_of == second


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


def test_the_list_filters_and_asks_no_more_for_more_rows(reviewer_client, cluster, django_assert_max_num_queries):
    a_query("Print the first 10 primes.")
    for number in range(12):
        a_query(f"Print the first 2{number} primes.")
        a_query(f"{'please ' * number} Count the words of page {'abcdefghijkl'[number]} of a book.")
        a_query(f"{'hello ' * number} count THE words of page {'abcdefghijkl'[number]} of a book!")
    find()
    with django_assert_max_num_queries(12):
        page = reviewer_client.get(reverse("curation:clusters")).content.decode()
    assert "Sort the values" in page and "Print the first 10" in page
    page = reviewer_client.get(reverse("curation:clusters"), {"kind": "variant"}).content.decode()
    assert "Sort the values" not in page and "Print the first 10" in page


def test_a_cluster_shows_what_differs_and_only_curators_get_buttons(reviewer_client, curator_client, cluster):
    page = reviewer_client.get(cluster.get_absolute_url()).content.decode()
    assert "<del>values</del><ins>vaules</ins>" in page
    assert "Not a duplicate" not in page
    assert "Not a duplicate" in curator_client.get(cluster.get_absolute_url()).content.decode()


def test_buttons_settle_a_member_and_reviewers_are_refused(reviewer_client, curator_client, cluster):
    member = cluster.members.get(how="typo")
    address = reverse("curation:part_member", args=[cluster.pk, member.query_id])
    assert reviewer_client.post(address).status_code == 403
    assert curator_client.get(address).status_code == 405
    said = curator_client.post(address, follow=True).content.decode()
    assert "Tell duplicate apart" in said
    assert Action.objects.first().verb == "tell duplicate apart"
    again = curator_client.post(address, follow=True).content.decode()
    assert "no longer a member" in again


def test_search_finds_a_cluster_by_any_query_that_stands_in_it(reviewer_client, curator, cluster):
    a_query("Print the first 10 primes.")
    a_query("Print the first 20 primes.")
    find()

    def found(**asked):
        page = reviewer_client.get(reverse("curation:clusters"), asked).content.decode()
        return [one.pk for one in DuplicateCluster.objects.all() if f'href="{one.get_absolute_url()}"' in page]

    variants = DuplicateCluster.objects.get(kind="variant")
    assert found(q="first primes") == [variants.pk]
    assert found(q="vaules") == [cluster.pk]
    assert found(q="vaules", kind="variant") == found(q="tortoise") == []
    settling.part(cluster.pk, cluster.members.get(how="typo").query_id, by=curator)
    assert found(q="vaules") == []
    assert found(q="values") == [cluster.pk]


def test_search_walks_the_list_where_many_match(reviewer_client, cluster, monkeypatch):
    monkeypatch.setattr("web.paging.FEW", 0)
    for words, count in (("values", 1), ("vaules", 1), ("tortoise", 0)):
        page = reviewer_client.get(reverse("curation:clusters"), {"q": words}).content.decode()
        assert page.count(f'href="{cluster.get_absolute_url()}"') == count


def test_a_curator_joins_by_number_and_undoes_it_on_the_page(curator_client, reviewer_client, cluster):
    a_query("Order the numbers of a row.")
    a_query("order the numbers of a row!")
    find()
    other = DuplicateCluster.objects.get(kind="form")
    # A whole pass is not undone from the page of one cluster.
    assert 'id="undo-last"' not in curator_client.get(cluster.get_absolute_url()).content.decode()
    before = facts()
    address = reverse("curation:join_cluster", args=[cluster.pk])
    for wrong, said in (("", "give the number"), (10**9, "there is no cluster"), (cluster.pk, "two different")):
        assert said in curator_client.post(address, {"other": wrong}, follow=True).content.decode()
    assert facts() == before
    page = curator_client.post(address, {"other": other.pk}, follow=True).content.decode()
    assert DuplicateCluster.objects.get(pk=cluster.pk).size == 5
    joined = Action.objects.first()
    undo_address = reverse("accounts:undo", args=[joined.pk])
    assert 'id="undo-last"' in page and undo_address in page
    assert 'id="undo-last"' not in reviewer_client.get(cluster.get_absolute_url()).content.decode()
    curator_client.post(undo_address)
    assert facts() == before


def test_a_verdict_leads_to_the_next_member_and_links_to_the_next_cluster(curator_client, cluster):
    first, last = cluster.members.order_by("pk")
    a_query("Print the first 10 primes.")
    a_query("Print the first 20 primes.")
    find()
    variants = DuplicateCluster.objects.get(kind="variant")
    address = reverse("curation:keep_member", args=[cluster.pk, first.query_id])
    assert curator_client.post(address).url == f"{cluster.get_absolute_url()}#member-{last.query_id}"
    page = curator_client.get(variants.get_absolute_url()).content.decode()
    assert f'id="previous-item" href="{cluster.get_absolute_url()}"' in " ".join(page.split())
    assert 'id="next-item"' not in page
    address = reverse("curation:part_member", args=[cluster.pk, last.query_id])
    assert curator_client.post(address).url == f"{cluster.get_absolute_url()}#member-{first.query_id}"
