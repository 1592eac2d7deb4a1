"""createreviewer: make a person with a role and print a link that logs that person in, once."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError

from accounts.links import login_path
from accounts.people import make_person
from accounts.roles import GROUPS, role_of
from web.commands import BadInput, Outcome, StudioCommand


class Command(StudioCommand):
    help = "Make a person (or find one by name) and print a login link that works once, within three days."
    example = "python manage.py createreviewer rita"

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="user name")
        parser.add_argument("--role", choices=list(GROUPS), default="reviewer", help="role of a new person")
        parser.add_argument("--site", default="http://127.0.0.1:8000", help="address the site is reached at")

    def carry_out(self, **options: Any) -> Outcome:
        name = options["name"]
        try:
            UnicodeUsernameValidator()(name)
        except ValidationError:
            raise BadInput(f"{name!r} is no user name: use letters, digits and @ . + - _ only") from None
        user, made = make_person(name, role=options["role"])
        if user.is_script or not user.is_active:
            raise BadInput(f"{name} is {'a script' if user.is_script else 'switched off'} and does not log in")
        role = role_of(user).name.lower()
        link = options["site"].rstrip("/") + login_path(user)
        first = f"Made {name}, {role}." if made else f"{name} ({role}) was here already."
        return Outcome(
            {"name": name, "role": role, "made": made, "link": link},
            [first, f"Login link, good once and for three days:\n{link}"],
        )
