"""Log in and out, preferences, and the list of actions with undo."""

from typing import cast

from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import actions
from accounts.forms import PreferencesForm
from accounts.links import holder_of
from accounts.models import Action, ActionRow, User
from accounts.roles import Role, needs, role_of
from web.counts import counted
from web.notices import tell_done, tell_refused
from web.paging import page_of

ROWS_SHOWN = 200

log_in = needs(Role.ANYONE)(
    auth_views.LoginView.as_view(template_name="accounts/login.html", redirect_authenticated_user=True)
)
log_out = needs(Role.ANYONE)(auth_views.LogoutView.as_view(next_page="accounts:login"))


@needs(Role.ANYONE)
@never_cache
@require_http_methods(["GET", "POST"])
def login_link(request: HttpRequest, name: str, token: str) -> HttpResponse:
    """Log in by a one-time link; looking at the page does not spend it, the button does."""
    holder = holder_of(name, token)
    if holder is None:
        return render(request, "accounts/login_link.html", {"holder": None}, status=404)
    if request.method == "GET":
        return render(request, "accounts/login_link.html", {"holder": holder})
    login(request, holder, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("home")


@needs(Role.REVIEWER)
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Theme, keys and time zone of the person who is logged in."""
    reader = cast(User, request.user)
    form = PreferencesForm(request.POST or None, instance=reader)
    if request.method == "POST" and form.is_valid():
        User.objects.filter(pk=reader.pk).update(**form.cleaned_data)
        tell_done(request, "Preferences saved.")
        return redirect("accounts:preferences")
    context = {"form": form, "password_form": _password_form(reader)}
    return render(request, "accounts/preferences.html", context, status=422 if form.errors else 200)


@needs(Role.REVIEWER)
@require_POST
def set_password(request: HttpRequest) -> HttpResponse:
    """A new password; someone who came by a login link has no old one to give."""
    reader = cast(User, request.user)
    form = _password_form(reader, request)
    if not form.is_valid():
        context = {"form": PreferencesForm(instance=reader), "password_form": form}
        return render(request, "accounts/preferences.html", context, status=422)
    form.save()
    update_session_auth_hash(request, reader)
    tell_done(request, "Password changed.")
    return redirect("accounts:preferences")


@needs(Role.REVIEWER)
@require_GET
def list_actions(request: HttpRequest) -> HttpResponse:
    """What was done, newest first; `who=me` shows the reader's own."""
    who = "me" if request.GET.get("who") == "me" else ""
    rows = Action.objects.filter(by=cast(User, request.user)) if who else Action.objects.all()
    page = page_of(rows, request.GET, shown=Action.objects.select_related("by"))
    undoes_all = role_of(request.user) >= Role.CURATOR
    lines = [(action, action.can_be_undone and (undoes_all or action.by_id == request.user.pk)) for action in page.rows]
    return render(request, "accounts/actions.html", {"page": page, "lines": lines, "who": who})


@needs(Role.REVIEWER)
@require_GET
def show_action(request: HttpRequest, pk: int) -> HttpResponse:
    """One action with the rows it changed."""
    action = get_object_or_404(Action.objects.select_related("by", "undone_by", "undoes"), pk=pk)
    rows = [_row_as_read(row) for row in action.rows.all()[:ROWS_SHOWN]]
    context = {"action": action, "rows": rows, "may_undo": action.can_be_undone and _is_theirs(request, action)}
    return render(request, "accounts/action.html", context)


@needs(Role.REVIEWER)
@require_POST
def undo_action(request: HttpRequest, pk: int) -> HttpResponse:
    """Put back what an action changed: one's own, or anyone's for curators."""
    action = get_object_or_404(Action, pk=pk)
    if not _is_theirs(request, action):
        raise PermissionDenied(f"action {pk} was {action.by}'s; a curator can undo it")
    try:
        undoing = actions.undo(action, by=cast(User, request.user))
    except actions.CannotUndo as reason:
        tell_refused(request, f"Not undone: {reason}.")
    else:
        done_again = action.verb.removeprefix("undo ")
        words = f"Undone: {action.verb}" if done_again == action.verb else f"Done again: {done_again}"
        tell_done(request, f"{words} ({counted(undoing.rows_changed, 'row')}).", action_id=undoing.pk)
    return redirect(_way_back(request))


def _password_form(reader: User, request: HttpRequest | None = None) -> SetPasswordForm:
    kind = PasswordChangeForm if reader.has_usable_password() else SetPasswordForm
    return kind(reader, request.POST if request else None)


def _is_theirs(request: HttpRequest, action: Action) -> bool:
    return action.by_id == request.user.pk or role_of(request.user) >= Role.CURATOR


def _row_as_read(row: ActionRow) -> dict[str, object]:
    changes = [(name, before, row.after.get(name)) for name, before in row.before.items()]
    return {"table": row.table.partition(".")[2], "row_id": row.row_id, "changes": changes}


def _way_back(request: HttpRequest) -> str:
    address = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return address
    return reverse("accounts:actions")
