"""What a person typed outlives the session: it waits through the log-in and fills the form again."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect

from web.pages import asks_for_part

View = Callable[..., HttpResponseBase]

SLOT = "kept_form"
# A stranger can make the server keep this much, so it is little: a long note, not a book.
KEPT_AT_MOST = 50_000  # characters


def keep_typed(view: View) -> View:
    """Keep the fields of a form that comes without a session; stands outside `needs`, on views that also answer GET."""

    @wraps(view)
    def keeping(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST" or request.user.is_authenticated:
            return view(request, *args, **kwargs)
        fields = {name: value for name, value in request.POST.dict().items() if name != "csrfmiddlewaretoken"}
        if sum(map(len, fields.values())) <= KEPT_AT_MOST:
            request.session[SLOT] = {"path": request.path, "fields": fields}
        to_login = redirect_to_login(request.get_full_path())
        return HttpResponseClientRedirect(to_login.url) if asks_for_part(request) else to_login

    return keeping


def kept_fields(request: HttpRequest) -> dict[str, str]:
    """The fields that were kept for this page, handed out once; empty when there are none."""
    kept = request.session.get(SLOT)
    if kept is None or kept["path"] != request.path:
        return {}
    del request.session[SLOT]
    fields: dict[str, str] = kept["fields"]
    return fields
