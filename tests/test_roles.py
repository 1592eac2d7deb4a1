"""Roles: who may do what, and what a person who may not is told."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from accounts.roles import Role, needs, role_of

pytestmark = pytest.mark.django_db


@needs(Role.CURATOR)
def curators_only(request):
    return HttpResponse("in")


def asked_by(rf, user, **headers):
    request = rf.get("/somewhere/?page=2", **headers)
    request.user = user
    return request


def test_each_role_includes_those_below_it(rf, reviewer, curator, administrator):
    with pytest.raises(PermissionDenied, match="curator"):
        curators_only(asked_by(rf, reviewer))
    assert curators_only(asked_by(rf, curator)).content == b"in"
    assert curators_only(asked_by(rf, administrator)).content == b"in"


def test_a_stranger_is_sent_to_the_login_page_and_back(rf):
    response = curators_only(asked_by(rf, AnonymousUser()))
    assert (response.status_code, response.url) == (302, "/login/?next=/somewhere/%3Fpage%3D2")


def test_a_fragment_is_refused_without_a_login_page_in_its_place(rf):
    assert curators_only(asked_by(rf, AnonymousUser(), HTTP_HX_REQUEST="true")).status_code == 401


def test_the_highest_group_counts(reviewer):
    reviewer.groups.add(Group.objects.get(name="curator"))
    assert role_of(reviewer) == Role.CURATOR


def test_a_person_without_a_group_or_switched_off_has_no_role(django_user_model, curator):
    assert role_of(django_user_model.objects.create_user("nobody")) == Role.ANYONE
    curator.is_active = False
    assert role_of(curator) == Role.ANYONE


def test_a_group_of_another_name_gives_no_role(django_user_model):
    person = django_user_model.objects.create_user("someone")
    person.groups.add(Group.objects.create(name="friends"))
    assert role_of(person) == Role.ANYONE


def test_a_superuser_is_an_administrator(django_user_model):
    assert role_of(django_user_model.objects.create_superuser("root")) == Role.ADMINISTRATOR
