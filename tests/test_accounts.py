"""People: log in, log out, the one-time link, preferences, and the list of actions with undo."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions import Change, record
from accounts.links import holder_of, login_path, tokens
from accounts.models import Action, Door, User
from accounts.people import UnknownRole, make_person
from accounts.roles import Role, role_of
from curation.models import Query
from tests.making import a_query
from web.commands import BadInput

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"


def disputed_by(person, query):
    """A small action: mark a query as disputed."""
    Query.objects.filter(pk=query.pk).update(disputed=True)
    return record("dispute", [Change(query, {"disputed": False}, {"disputed": True})], by=person)


def test_a_person_logs_in_with_name_and_password_and_lands_where_they_wanted(reviewer):
    client = Client()
    response = client.post("/login/", {"username": "rita", "password": PASSWORD, "next": "/actions/"})
    assert (response.status_code, response.url) == (302, "/actions/")


def test_a_wrong_password_is_told_in_an_alert_and_lets_nobody_in(reviewer):
    response = Client().post("/login/", {"username": "rita", "password": "wrong"})
    assert 'role="alert"' in response.content.decode()
    assert "_auth_user_id" not in response.client.session


@pytest.mark.once
def test_the_way_back_never_leads_to_another_site(reviewer):
    client = Client()
    response = client.post("/login/", {"username": "rita", "password": PASSWORD, "next": "https://elsewhere.example/"})
    assert response.url == "/"


def test_ten_failures_close_the_door_for_a_while_with_words(reviewer):
    client = Client()
    for _ in range(10):
        last = client.post("/login/", {"username": "rita", "password": "wrong"})
    assert last.status_code == 429
    assert "Too many failed attempts" in last.content.decode()
    assert client.post("/login/", {"username": "rita", "password": PASSWORD}).status_code == 429


def test_logging_out_takes_a_button_not_a_link(reviewer_client):
    assert reviewer_client.get("/logout/").status_code == 405
    assert reviewer_client.post("/logout/").url == "/login/"
    assert reviewer_client.get("/").status_code == 302


def test_a_login_link_works_once(reviewer):
    path = login_path(reviewer)
    first = Client()
    assert "Log in as rita" in first.get(path).content.decode()
    assert first.post(path).url == "/"
    assert first.get("/").status_code == 200
    assert Client().post(path).status_code == 404


def test_looking_at_a_login_link_does_not_spend_it(reviewer):
    path = login_path(reviewer)
    Client().get(path)
    assert Client().post(path).status_code == 302


def test_a_link_dies_with_a_new_password_and_after_three_days(reviewer, settings):
    path = login_path(reviewer)
    reviewer.set_password("another long password")
    reviewer.save()
    assert Client().get(path).status_code == 404
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert Client().get(login_path(reviewer)).status_code == 404


@pytest.mark.parametrize("name", ["", "!!!", "_w", "cml0YQ"])
def test_a_made_up_link_opens_nothing(name, reviewer):
    assert holder_of(name, "abc-def") is None


def test_nobody_logs_in_as_a_script_or_as_someone_switched_off(reviewer):
    User.objects.filter(pk=reviewer.pk).update(is_script=True)
    assert Client().get(login_path(reviewer)).status_code == 404
    User.objects.filter(pk=reviewer.pk).update(is_script=False, is_active=False)
    assert Client().get(login_path(reviewer)).status_code == 404


def test_createreviewer_makes_a_reviewer_and_prints_a_link_that_works():
    out = StringIO()
    call_command("createreviewer", "wanda", "--json", "--site", "http://studio.example/", stdout=out)
    told = json.loads(out.getvalue().splitlines()[-1])
    wanda = User.objects.get(username="wanda")
    assert (told["name"], told["role"], told["made"]) == ("wanda", "reviewer", True)
    assert role_of(wanda) == Role.REVIEWER
    assert not wanda.has_usable_password()
    assert Client().post(told["link"].removeprefix("http://studio.example")).status_code == 302


def test_createreviewer_gives_someone_who_is_here_a_new_link_and_changes_nothing(curator):
    out = StringIO()
    call_command("createreviewer", "carla", "--json", stdout=out)
    told = json.loads(out.getvalue().splitlines()[-1])
    assert (told["made"], told["role"]) == (False, "curator")
    assert User.objects.get(username="carla").has_usable_password()


def test_createreviewer_refuses_what_is_no_name():
    with pytest.raises(BadInput, match="'two words'"):
        call_command("createreviewer", "two words")


def test_a_person_cannot_be_made_with_an_unknown_role():
    with pytest.raises(UnknownRole, match="'boss'"):
        make_person("bob", role="boss")


def test_preferences_are_kept_and_shape_the_next_page(reviewer_client):
    chosen = {"theme": "dark", "time_zone": "Europe/Vienna"}
    assert reviewer_client.post("/preferences/", chosen).status_code == 302
    rita = User.objects.get(username="rita")
    assert (rita.theme, rita.time_zone, rita.keys_enabled) == ("dark", "Europe/Vienna", False)
    assert 'data-theme="dark"' in reviewer_client.get("/").content.decode()


def test_an_unknown_zone_is_refused_beside_its_field(reviewer_client):
    response = reviewer_client.post("/preferences/", {"theme": "dark", "time_zone": "Mars/Base"})
    assert response.status_code == 422
    assert 'id="id_time_zone_error"' in response.content.decode()


def test_times_are_shown_in_the_readers_zone(reviewer, reviewer_client):
    User.objects.filter(pk=reviewer.pk).update(time_zone="Asia/Tokyo")
    disputed_by(reviewer, a_query())
    tokyo = timezone.now() + timedelta(hours=9)
    assert f'datetime="{tokyo:%Y-%m-%dT%H}' in reviewer_client.get("/actions/").content.decode()


def test_someone_who_came_by_link_sets_a_password_and_stays_logged_in(reviewer):
    reviewer.set_unusable_password()
    reviewer.save()
    client = Client()
    client.post(login_path(reviewer))
    new = {"new_password1": "seven sleepy herons", "new_password2": "seven sleepy herons"}
    assert client.post("/preferences/password/", new).status_code == 302
    assert client.get("/preferences/").status_code == 200
    assert User.objects.get(pk=reviewer.pk).check_password("seven sleepy herons")


def test_changing_a_password_asks_for_the_old_one(reviewer_client):
    new = {"new_password1": "seven sleepy herons", "new_password2": "seven sleepy herons"}
    assert reviewer_client.post("/preferences/password/", new).status_code == 422
    assert reviewer_client.post("/preferences/password/", {"old_password": PASSWORD} | new).status_code == 302


def test_an_action_is_undone_from_its_list_and_the_undo_can_be_undone(reviewer, reviewer_client):
    query = a_query()
    action = disputed_by(reviewer, query)
    response = reviewer_client.post(reverse("accounts:undo", args=[action.pk]), follow=True)
    assert "Undone: dispute" in response.content.decode()
    assert not Query.objects.get().disputed
    undoing = Action.objects.get(verb="undo dispute")
    reviewer_client.post(reverse("accounts:undo", args=[undoing.pk]))
    assert Query.objects.get().disputed


def test_undo_refuses_when_a_row_has_changed_since_and_says_why(reviewer, reviewer_client):
    query = a_query()
    action = disputed_by(reviewer, query)
    Query.objects.filter(pk=query.pk).update(disputed=False)
    response = reviewer_client.post(reverse("accounts:undo", args=[action.pk]), follow=True)
    assert "Not undone" in response.content.decode()
    assert Action.objects.get(pk=action.pk).undone_by is None


def test_a_reviewer_undoes_only_their_own_a_curator_anyones(
    other_reviewer, reviewer_client, curator_client, other_reviewer_client
):
    action = disputed_by(other_reviewer, a_query())
    address = reverse("accounts:undo", args=[action.pk])
    assert reviewer_client.post(address).status_code == 403
    assert f'id="undo-{action.pk}"' not in reviewer_client.get("/actions/").content.decode()
    assert f'id="undo-{action.pk}"' in other_reviewer_client.get("/actions/").content.decode()
    assert curator_client.post(address).status_code == 302
    assert not Query.objects.get().disputed


def test_undo_takes_a_button_not_a_link(reviewer, reviewer_client):
    action = disputed_by(reviewer, a_query())
    assert reviewer_client.get(reverse("accounts:undo", args=[action.pk])).status_code == 405


def test_an_undo_returns_to_the_page_it_came_from_on_this_site_only(reviewer, reviewer_client):
    for origin, back in (
        ("http://testserver/queries/", "http://testserver/queries/"),
        ("https://x.example/", "/actions/"),
    ):
        action = disputed_by(reviewer, a_query())
        address = reverse("accounts:undo", args=[action.pk])
        assert reviewer_client.post(address, headers={"referer": origin}).url == back


def test_the_list_shows_mine_or_everyones(reviewer, other_reviewer, reviewer_client):
    mine, theirs = disputed_by(reviewer, a_query()), disputed_by(other_reviewer, a_query())
    everyones = reviewer_client.get("/actions/").content.decode()
    assert f"action-{mine.pk}" in everyones and f"action-{theirs.pk}" in everyones
    assert f"action-{theirs.pk}" not in reviewer_client.get("/actions/?who=me").content.decode()


def test_the_page_of_an_action_shows_each_column_before_and_after(reviewer, reviewer_client):
    action = record("note", [Change(a_query(), {"mean": None}, {"mean": 4.5})], by=None, door=Door.COMMAND)
    page = reviewer_client.get(reverse("accounts:action", args=[action.pk])).content.decode()
    assert "<code>mean</code>" in page and "4.5" in page and "command line" in page


def test_the_list_of_actions_asks_the_database_as_often_for_fifty_as_for_one(
    reviewer, reviewer_client, django_assert_max_num_queries
):
    for _ in range(30):
        disputed_by(reviewer, a_query())
    with django_assert_max_num_queries(8):
        reviewer_client.get("/actions/")


def test_tokens_of_password_resets_are_no_login_links(reviewer):
    from django.contrib.auth.tokens import default_token_generator

    assert not tokens.check_token(reviewer, default_token_generator.make_token(reviewer))
