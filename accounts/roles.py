"""The three roles and the one decorator that every view carries."""

from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.models import User

View = Callable[..., HttpResponseBase]


class Role(IntEnum):
    """Each role may do all that the ones below it may."""

    ANYONE = 0
    REVIEWER = 1
    CURATOR = 2
    ADMINISTRATOR = 3


GROUPS = {"reviewer": Role.REVIEWER, "curator": Role.CURATOR, "administrator": Role.ADMINISTRATOR}


def role_of(user: User | AnonymousUser) -> Role:
    """The highest role of a user; a superuser is an administrator."""
    if not user.is_authenticated or not user.is_active:
        return Role.ANYONE
    if user.is_superuser:
        return Role.ADMINISTRATOR
    return max((GROUPS[name] for name in user.group_names if name in GROUPS), default=Role.ANYONE)


def needs(role: Role) -> Callable[[View], View]:
    """Let only that role and those above it in; a stranger is sent to the login page, others get 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if role_of(request.user) >= role:
                return view(request, *args, **kwargs)
            if not request.user.is_authenticated:
                # A login page must not be swapped into a page on which someone has typed.
                if request.headers.get("HX-Request") == "true":
                    return HttpResponse("log in again", status=401)
                return redirect_to_login(request.get_full_path())
            raise PermissionDenied(f"this page needs the role {role.name.lower()}")

        guarded.needed_role = role  # type: ignore[attr-defined]  # read by the test that walks all addresses
        return guarded

    return decorate


def roles_of_reader(request: HttpRequest) -> dict[str, bool]:
    """Template variables: what the reader of a page may do."""
    role = role_of(request.user) if hasattr(request, "user") else Role.ANYONE
    return {
        "is_reviewer": role >= Role.REVIEWER,
        "is_curator": role >= Role.CURATOR,
        "is_administrator": role >= Role.ADMINISTRATOR,
    }
