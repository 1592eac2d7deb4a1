"""Verbs on people: make one with a role, and set the one role a person has."""

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import User
from accounts.roles import GROUPS


class UnknownRole(ValueError):
    """No role has that name."""


def make_person(username: str, *, role: str, password: str | None = None) -> tuple[User, bool]:
    """A person with that role; True when it was made now. Without a password only a login link opens the door."""
    if role not in GROUPS:
        raise UnknownRole(f"no role is called {role!r}; the roles are {', '.join(GROUPS)}")
    with transaction.atomic():
        user, made = User.objects.get_or_create(username=username)
        if made:
            user.set_password(password)
            user.save(update_fields=["password"])
            user.groups.set([Group.objects.get(name=role)])
    return user, made
