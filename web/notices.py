"""Words to the person after an action: shown once, with an undo where there is an action to undo."""

from django.contrib import messages
from django.http import HttpRequest


def tell_done(request: HttpRequest, words: str, *, action_id: int | None = None) -> None:
    """Say that something was done; with the action's id the notice carries an undo button."""
    messages.success(request, words, extra_tags="" if action_id is None else str(action_id))


def tell_refused(request: HttpRequest, words: str) -> None:
    """Say that something was not done, and why."""
    messages.error(request, words)
