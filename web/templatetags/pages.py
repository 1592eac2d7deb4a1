"""What pages share: the rooms of the bar, states as badges, numbers, money and times as people read them."""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from web.rooms import ADMIN, ROOMS, room_of
from web.tones import tone_of, words_of_state
from web.uploads import in_words

register = template.Library()

HTMX_SETTINGS = {
    "allowEval": False,
    "includeIndicatorStyles": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    # 422 is the form with its errors, 409 says that someone was faster: both are shown. Other failures are told.
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "(409|422)", "swap": True, "error": False},
        {"code": "...", "swap": False, "error": True},
    ],
}
CURRENT = mark_safe(' aria-current="true"')
TONE_OF_LEVEL = {"success": "good", "warning": "warning", "error": "bad", "info": "accent"}


@register.simple_tag
def htmx_settings() -> SafeString:
    """How htmx behaves on every page."""
    return format_html('<meta name="htmx-config" content="{}">', json.dumps(HTMX_SETTINGS))


@register.simple_tag(takes_context=True)
def rooms(context: dict[str, Any]) -> SafeString:
    """The links of the bar; that of the room one is in is marked."""
    here = _view_name(context)
    shown = (*ROOMS, ADMIN) if context.get("is_administrator") else ROOMS
    return _links((room.places[0].view, room.words, room.holds(here)) for room in shown)


@register.simple_tag(takes_context=True)
def places(context: dict[str, Any]) -> SafeString:
    """The links of the places of the room one is in; nothing where it has only one."""
    here = _view_name(context)
    room = room_of(here)
    if room is None or len(room.places) == 1:
        return SafeString("")
    return _links((place.view, place.words, place.holds(here)) for place in room.places)


def _view_name(context: dict[str, Any]) -> str:
    match = context["request"].resolver_match
    return str(match.view_name) if match else ""


def _links(links: Iterable[tuple[str, str, bool]]) -> SafeString:
    marked = ((reverse(view), CURRENT if here else "", words) for view, words, here in links)
    return format_html_join("", '<li><a href="{}"{}>{}</a></li>', marked)


@register.filter
def badge(state: str) -> SafeString:
    """A state with its icon and word."""
    return format_html('<span class="badge {}">{}</span>', tone_of(state), words_of_state(state))


@register.filter
def state_words(state: str) -> str:
    """A state as people read it."""
    return words_of_state(state)


@register.filter
def tone_of_message(message: Message) -> str:
    """The tone of one of Django's messages."""
    return TONE_OF_LEVEL.get(message.level_tag, "neutral")


@register.filter
def number(value: float | Decimal | None) -> str:
    """12,345; an absent number is a dash."""
    return "–" if value is None else f"{value:,}"


@register.filter
def file_size(size: int) -> str:
    """12 bytes, 340 kB, 5.2 MB, 2 GB."""
    return in_words(size)


@register.filter
def plain(value: Any) -> str:
    """A value of JSON as people read it: yes and no, lists and dictionaries in one line."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(inner)}" for name, inner in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(plain(inner) for inner in value) or "–"
    return str(value)


@register.filter
def decimals(value: float | None, places: int = 2) -> str:
    """A number with a fixed count of decimals; an absent number is a dash."""
    return "–" if value is None else f"{value:z,.{places}f}"


@register.filter
def money(dollars: Decimal | float | None) -> str:
    """$1,234.50; amounts under a cent keep four decimals, no known price is a dash."""
    if dollars is None:
        return "–"
    return f"${dollars:,.4f}" if 0 < dollars < Decimal("0.1") else f"${dollars:,.2f}"


@register.filter
def exact_money(dollars: Decimal | float | None) -> str:
    """The price of one call, which is often far below a cent: $0.000213, $0.0125, $1.25; no known price is a dash."""
    if dollars is None:
        return "–"
    if not dollars or dollars >= 1:
        return f"${dollars:,.2f}"
    places = 4 if dollars >= Decimal("0.001") else 6
    return f"${dollars:.{places}f}"


@register.filter
def share(part: int, whole: int) -> str:
    """A part in per cent; never 100 % while something is missing."""
    if not whole:
        return "–"
    return f"{min(100 * part // whole, 99 if part < whole else 100)} %"


@register.filter
def duration(seconds: float | None) -> str:
    """40 ms, 1.4 s, 12 s, 3 min 20 s, 2 h 05 min."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A short time in the reader's zone, with the full one on hover."""
    if at is None:
        return "–"
    local, now = timezone.localtime(at), timezone.localtime()
    if local.date() == now.date():
        short = f"{local:%H:%M}"
    elif local.year == now.year:
        short = f"{local.day} {local:%b %H:%M}"
    else:
        short = f"{local.day} {local:%b %Y}"
    return format_html(
        '<time datetime="{}" title="{}" class="nowrap">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{local.day} {local:%B %Y, %H:%M:%S %Z}",
        short,
    )
