"""Keys on buttons: what the script reads, the hint people see, the sheet. `desk_keys` is the table of the desk."""

from itertools import groupby
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from web.keys import Key

register = template.Library()


@register.simple_tag(takes_context=True)
def key_of(context: dict[str, Any], *names: str) -> SafeString:
    """The attributes that tie a control to its keys; nothing when the reader has turned keys off."""
    pressed = " ".join(key.press for name in names if (key := _key(context, name)))
    return format_html('data-key="{0}" aria-keyshortcuts="{0}"', pressed) if pressed else SafeString("")


@register.simple_tag(takes_context=True)
def key_press(context: dict[str, Any], name: str) -> str:
    """The bare name of a key, for attributes of a whole region."""
    key = _key(context, name)
    return "" if key is None else key.press


@register.simple_tag(takes_context=True)
def key_hint(context: dict[str, Any], name: str) -> SafeString:
    """The key as people see it on the control."""
    key = _key(context, name)
    return SafeString("") if key is None else format_html('<kbd aria-hidden="true">{}</kbd>', key.shown)


@register.inclusion_tag("_key_sheet.html", takes_context=True)
def key_sheet(context: dict[str, Any]) -> dict[str, Any]:
    """All keys of this desk, and the button that shows them."""
    keys = context.get("desk_keys") or {}
    runs = [(words, list(run)) for words, run in groupby(keys.values(), key=lambda key: key.words)]
    lines = [(run[0].shown, run[-1].shown if len(run) > 1 else "", words) for words, run in runs]
    return {"lines": lines, "desk_keys": keys}


def _key(context: dict[str, Any], name: str) -> Key | None:
    keys = context.get("desk_keys")
    return keys[name] if keys else None
