"""The pages of clusters: what differs is shown, every member is reached, and buttons settle and undo."""

import pytest
from django.urls import reverse

from accounts.models import Action
from curation.duplicates import settling
from curation.models import DuplicateCluster
from tests.clustered import a_cluster, facts, find
from tests.making import a_query

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster():
    return a_cluster()


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
    assert curator_client.post(address).url == last.get_absolute_url()
    page = curator_client.get(variants.get_absolute_url()).content.decode()
    assert f'id="previous-item" href="{cluster.get_absolute_url()}"' in " ".join(page.split())
    assert 'id="next-item"' not in page
    address = reverse("curation:part_member", args=[cluster.pk, last.query_id])
    assert curator_client.post(address).url == first.get_absolute_url()


def test_the_last_word_is_undone_also_when_it_only_kept_a_member(curator_client, cluster):
    first, last = cluster.members.order_by("pk")
    curator_client.post(reverse("curation:part_member", args=[cluster.pk, first.query_id]))
    curator_client.post(reverse("curation:keep_member", args=[cluster.pk, last.query_id]))
    kept = Action.objects.first()

    shown = curator_client.get(cluster.get_absolute_url()).context
    assert [action.verb for action in shown["actions"]] == ["keep duplicate", "tell duplicate apart", "find duplicates"]
    assert shown["undoable"] == kept
    curator_client.post(reverse("accounts:undo", args=[kept.pk]))
    assert list(cluster.members.filter(stands=True).values_list("query", "settled")) == [(last.query_id, False)]


@pytest.fixture
def of_five(monkeypatch):
    """A cluster of five members, two on a page."""
    monkeypatch.setattr("curation.views.clusters.MEMBERS_SHOWN", 2)
    for number in range(6):
        a_query("Sort the values of a list" + "!" * number)
    find()
    return DuplicateCluster.objects.get()


def test_every_member_has_its_page_and_its_query_leads_there(reviewer_client, of_five):
    members = list(of_five.members.order_by("pk"))
    address, pages = {}, []
    while address is not None:
        shown = reviewer_client.get(of_five.get_absolute_url(), address).context
        pages.append([one.member for one in shown["beside"]])
        address = {"after": shown["page"].after} if shown["page"].after else None
    assert pages == [members[:2], members[2:4], members[4:]]

    for member in members:
        link = member.get_absolute_url()
        assert f'href="{link}"' in reviewer_client.get(member.query.get_absolute_url()).content.decode()
        shown = reviewer_client.get(link).context
        assert member in [one.member for one in shown["beside"]]
        assert shown["begin_at"] == member.query_id
    assert of_five.get_absolute_url() in reviewer_client.get(of_five.representative.get_absolute_url()).content.decode()
    for odd in ("x", "0", "9" * 30, members[0].cluster_id + 10**6):
        assert (
            reviewer_client.get(of_five.get_absolute_url(), {"member": odd}).context["beside"][0].member == members[0]
        )


def test_a_verdict_leads_over_the_end_of_a_page(curator_client, of_five):
    _, second, third, *_ = of_five.members.order_by("pk")
    answer = curator_client.post(reverse("curation:keep_member", args=[of_five.pk, second.query_id]))
    assert answer.url == third.get_absolute_url()
    shown = curator_client.get(answer.url).context
    assert shown["beside"][0].member == third
