"""htmx glue: one view answers a whole page, or the part of it that htmx asked for."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


def asks_for_part(request: HttpRequest) -> bool:
    """True when htmx wants a fragment, not the page (a page brought back from history is a page)."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]  # set by django_htmx's middleware
    return bool(htmx) and not htmx.history_restore_request and not htmx.boosted


def page_or_part(
    request: HttpRequest, page: str, part: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The page, or its fragment for htmx; the page includes the very same fragment file."""
    response = render(request, part if asks_for_part(request) else page, context, status=status)
    # Both answers live at one address: without this a browser shows the bare fragment on Back.
    patch_vary_headers(response, ["HX-Request"])
    return response
