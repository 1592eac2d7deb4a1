"""One-time login links: signed, good for three days, void after any login or change of password."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from accounts.models import User


class LoginLinkTokens(PasswordResetTokenGenerator):
    """Tokens that hold the last login's time, so the first use spends them; a reset token is no login link."""

    key_salt = "accounts.links.LoginLinkTokens"


tokens = LoginLinkTokens()


def login_path(user: User) -> str:
    """The path of a link that logs this person in, once."""
    name = urlsafe_base64_encode(user.username.encode())
    return reverse("accounts:login_link", args=[name, tokens.make_token(user)])


def holder_of(name: str, token: str) -> User | None:
    """Whom a link logs in; None when it is spent, too old or not ours."""
    try:
        username = urlsafe_base64_decode(name).decode()
    except (ValueError, UnicodeDecodeError):
        return None
    user = User.objects.filter(username=username, is_active=True, is_script=False).first()
    return user if user is not None and tokens.check_token(user, token) else None
