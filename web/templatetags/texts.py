"""Texts that nobody vouches for, made fit for a page: markdown, code, and what changed between two texts."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web.diffs import pieces_between
from web.markdown import render_code, render_markdown

register = template.Library()

ELEMENT = {"same": "span", "gone": "del", "new": "ins"}


@register.filter
def markdown(text: str) -> SafeString:
    """Model text as safe HTML."""
    return render_markdown(text)


@register.filter
def code(text: str, language: str = "") -> SafeString:
    """A program as a highlighted block."""
    return render_code(text, language)


@register.filter
def diff_to(before: str, after: str) -> SafeString:
    """What a text lost and won on its way to another."""
    pieces = [(ELEMENT[piece.kind], piece.text, ELEMENT[piece.kind]) for piece in pieces_between(before, after)]
    return format_html('<div class="diff" hx-disable>{}</div>', format_html_join("", "<{}>{}</{}>", pieces))
