"""The admin: queries and dialogues with filters, search and bulk verbs, each one action that can be undone."""

import re

import pytest
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts.models import Action, Door, User
from accounts.people import make_person
from accounts.roles import Role, role_of
from curation.models import Query, Verdict
from dialogues.models import Dialogue, Review, State, Version
from tests.making import a_dialogue, a_kept_query, a_query, a_source
from web.paging import PAGE_SIZE

pytestmark = pytest.mark.django_db

QUERIES, DIALOGUES = "/admin/curation/query/", "/admin/dialogues/dialogue/"


def bulk(client, address, action, rows, reason="", **further):
    data = {"action": action, "_selected_action": [row.pk for row in rows], "reason": reason, **further}
    return client.post(address, data, follow=True)


def undo_from_the_actions_page(client, action):
    return client.post(reverse("accounts:undo", args=[action.pk]))


def listed(client, address):
    shown = client.get(address).context["cl"]
    assert shown.result_count == len(shown.result_list)
    return {row.pk for row in shown.result_list}


def test_queries_are_found_by_filters_and_by_words(administrator_client):
    kept = a_kept_query("merge intervals", language="go")
    disputed = a_query("sort words", disputed=True, source=a_source("other"))
    duplicate = a_query(duplicate_of=kept)
    assert listed(administrator_client, QUERIES) == {kept.pk, disputed.pk, duplicate.pk}
    assert listed(administrator_client, f"{QUERIES}?stage=kept") == {kept.pk}
    assert listed(administrator_client, f"{QUERIES}?stage=duplicate") == {duplicate.pk}
    assert listed(administrator_client, f"{QUERIES}?stage=") == {kept.pk, disputed.pk, duplicate.pk}
    assert listed(administrator_client, f"{QUERIES}?stage=kept&language=go&p=1") == {kept.pk}
    assert listed(administrator_client, f"{QUERIES}?source__id__exact={disputed.source_id}") == {disputed.pk}
    assert listed(administrator_client, f"{QUERIES}?language=go&language=rust") == {kept.pk}
    assert listed(administrator_client, f"{QUERIES}?natural_language__isnull=True&stage=kept") == {kept.pk}
    assert listed(administrator_client, f"{QUERIES}?disputed__exact=1") == {disputed.pk}
    assert listed(administrator_client, f"{QUERIES}?q=merge") == {kept.pk}
    assert listed(administrator_client, f"{QUERIES}?q=words&disputed__exact=1") == {disputed.pk}
    assert listed(administrator_client, f"{QUERIES}?language=go") == {kept.pk}


def test_dialogues_are_found_by_filters_and_by_words_of_their_turns(administrator_client):
    simulated = a_dialogue("Count.", "Use a counter.")
    packed = a_dialogue(method="packing", state="approved")
    assert listed(administrator_client, f"{DIALOGUES}?state__exact=approved") == {packed.pk}
    assert listed(administrator_client, f"{DIALOGUES}?method__exact=simulation") == {simulated.pk}
    assert listed(administrator_client, f"{DIALOGUES}?q=counter") == {simulated.pk}


def test_a_search_that_finds_many_lists_the_newest_and_says_so(administrator_client, monkeypatch):
    monkeypatch.setattr("accounts.site.FOUND_AT_MOST", 2)
    queries = [a_query(f"merge {n}") for n in range(3)]
    assert "More than 2 match" in administrator_client.get(f"{QUERIES}?q=merge").content.decode()
    assert listed(administrator_client, f"{QUERIES}?q=merge") == {query.pk for query in queries[1:]}
    assert "More than" not in administrator_client.get(f"{QUERIES}?q=merge&language=none").content.decode()


def test_approving_queries_in_bulk_keeps_them_as_one_action_that_can_be_undone(administrator_client, administrator):
    queries = [a_query(disputed=True) for _ in range(3)]
    page = bulk(administrator_client, QUERIES, "approve", queries, reason="all fine")
    assert "Kept (3 rows changed)" in page.content.decode()
    assert set(Query.objects.values_list("decision", "decision_rule")) == {("keep", "verdict")}
    action = Action.objects.get()
    assert (action.by, action.door, action.rows_changed, action.note) == (administrator, Door.ADMIN, 3, "all fine")
    undo_from_the_actions_page(administrator_client, action)
    assert set(Query.objects.values_list("decision", flat=True)) == {"none"}
    assert Query.objects.awaiting_audit().count() == 3


def test_rejecting_queries_in_bulk_drops_them_and_undo_brings_them_back(administrator_client):
    kept = a_kept_query()
    bulk(administrator_client, QUERIES, "reject", [kept])
    assert Query.objects.get().stage == "dropped"
    undo_from_the_actions_page(administrator_client, Action.objects.get())
    assert Query.objects.get().stage == "kept"


def test_queries_go_back_to_review_with_their_verdicts_withdrawn(administrator_client, reviewer):
    query = a_query(disputed=True, decision="keep", decision_rule="verdict", decided_at=timezone.now(), reviews_given=1)
    Verdict.objects.create(query=query, by=reviewer, value=4, keep=True)
    bulk(administrator_client, QUERIES, "back_to_review", [query])
    assert Query.objects.awaiting_audit().count() == 1
    assert Verdict.objects.get().withdrawn
    undo_from_the_actions_page(administrator_client, Action.objects.get())
    assert not Verdict.objects.get().withdrawn
    assert Query.objects.get().decision == "keep"


def test_approving_dialogues_in_bulk_writes_versions_and_names_the_ones_left(administrator_client, administrator):
    whole, broken = a_dialogue(), a_dialogue("a question without an answer")
    page = bulk(administrator_client, DIALOGUES, "approve", [whole, broken]).content.decode()
    assert dict(Dialogue.objects.values_list("pk", "state")) == {whole.pk: State.APPROVED, broken.pk: State.IN_REVIEW}
    assert Version.objects.get().dialogue == whole
    assert f"1 left as they were. {broken.pk}: " in page
    undo_from_the_actions_page(administrator_client, Action.objects.get())
    assert Dialogue.objects.get(pk=whole.pk).state == State.IN_REVIEW
    assert Review.objects.get().withdrawn


def test_rejecting_dialogues_needs_a_reason(administrator_client):
    dialogue = a_dialogue()
    assert "Nothing was rejected" in bulk(administrator_client, DIALOGUES, "reject", [dialogue]).content.decode()
    assert Dialogue.objects.get().state == State.IN_REVIEW
    bulk(administrator_client, DIALOGUES, "reject", [dialogue], reason="off topic")
    assert Dialogue.objects.get().state == State.REJECTED
    assert Review.objects.get().reason == "off topic"
    undo_from_the_actions_page(administrator_client, Action.objects.get(verb="reject dialogues"))
    assert Dialogue.objects.get().state == State.IN_REVIEW


def test_dialogues_go_back_to_review_in_bulk(administrator_client):
    dialogues = [a_dialogue(state="rejected"), a_dialogue(state="approved")]
    bulk(administrator_client, DIALOGUES, "back_to_review", dialogues)
    assert Dialogue.objects.awaiting_review().count() == 2
    undo_from_the_actions_page(administrator_client, Action.objects.get())
    assert set(Dialogue.objects.values_list("state", flat=True)) == {"rejected", "approved"}


def test_a_bulk_action_works_on_the_whole_filter_and_not_on_the_page_alone(administrator_client):
    for _ in range(55):
        a_query(disputed=True)
    other = a_query()
    page = Query.objects.filter(disputed=True)[:PAGE_SIZE]
    bulk(administrator_client, f"{QUERIES}?disputed__exact=1", "reject", page, select_across="1")
    assert Query.objects.filter(stage="dropped").count() == 55
    assert Query.objects.get(pk=other.pk).stage == "unscored"
    assert Action.objects.get().rows_changed == 55


def test_a_bulk_action_ignores_claims_and_raises_the_version(administrator_client, reviewer):
    query = a_query(disputed=True)
    Query.objects.filter(pk=query.pk).update(
        claimed_by=reviewer, claimed_until=timezone.now(), version=F("version") + 4
    )
    bulk(administrator_client, QUERIES, "approve", [query])
    assert Query.objects.get().version == 6
    assert Query.objects.get().stage == "kept"


def test_rows_are_read_in_the_admin_and_never_changed_or_deleted_there(administrator_client):
    query = a_query()
    assert administrator_client.post(f"{QUERIES}{query.pk}/change/", {"text": "other"}).status_code == 403
    assert administrator_client.post(f"{QUERIES}{query.pk}/delete/", {"post": "yes"}).status_code == 403
    assert bulk(administrator_client, QUERIES, "delete_selected", [query]).status_code == 200
    assert Query.objects.count() == 1


def test_an_administrator_by_group_alone_may_all_that_the_admin_offers(client):
    ada, _ = make_person("ada", role="administrator")
    assert not ada.is_superuser
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    query = a_query(disputed=True)
    bulk(client, QUERIES, "approve", [query])
    assert Query.objects.get().stage == "kept"
    assert client.get("/admin/accounts/user/add/").status_code == 200


def test_administrators_make_people_and_give_them_roles(administrator_client):
    new = {
        "username": "nina",
        "usable_password": "true",
        "password1": "seven sleepy herons",
        "password2": "seven sleepy herons",
    }
    assert administrator_client.post("/admin/accounts/user/add/", new).status_code == 302
    nina = User.objects.get(username="nina")
    group = (
        administrator_client.get(f"/admin/accounts/user/{nina.pk}/change/").context["adminform"].form.fields["groups"]
    )
    chosen = group.queryset.get(name="curator")
    data = {"username": "nina", "groups": [chosen.pk], "is_active": "on", "theme": "auto", "time_zone": "UTC"}
    assert administrator_client.post(f"/admin/accounts/user/{nina.pk}/change/", data).status_code == 302
    assert role_of(User.objects.get(pk=nina.pk)) == Role.CURATOR


def test_the_lists_ask_the_database_as_often_for_whole_pages_as_for_one_row(
    administrator_client, django_assert_max_num_queries
):
    for number in range(PAGE_SIZE):
        a_query(source=a_source(f"source-{number % 5}"))
        a_dialogue()
    with django_assert_max_num_queries(10):
        administrator_client.get(QUERIES)
    with django_assert_max_num_queries(10):
        administrator_client.get(DIALOGUES)


@pytest.mark.parametrize("address", [QUERIES, DIALOGUES, "/admin/", "/admin/accounts/user/", "/admin/runs/run/"])
def test_the_admin_meets_the_policy_of_the_site(administrator_client, address):
    a_query()
    a_dialogue()
    html = administrator_client.get(address).content.decode()
    assert " style=" not in html
    assert "<style" not in html
    assert "<script>" not in html


def test_each_filter_is_a_link_with_words_also_where_the_language_is_unknown(administrator_client):
    a_query(text="one", language="")
    a_query(text="two", language="python")
    page = administrator_client.get("/admin/curation/query/").content.decode()
    assert re.search(r'<a href="\?language=">\s*none</a>', page)
    assert not re.search(r'<a href="\?[^"]*">\s*</a>', page)
