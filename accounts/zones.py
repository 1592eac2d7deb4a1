"""Middleware: times are shown in the reader's zone."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

Answerer = Callable[[HttpRequest], HttpResponseBase]


def in_readers_zone(get_response: Answerer) -> Answerer:
    """Answer each request in the zone its reader chose; strangers get the setting's."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        name = getattr(request.user, "time_zone", "")
        with timezone.override(ZoneInfo(name) if name in zone_names() else None):
            return get_response(request)

    return answer


@cache
def zone_names() -> frozenset[str]:
    """All zones this machine knows; read from disk once per process."""
    return frozenset(available_timezones() - {"localtime", "Factory"})
