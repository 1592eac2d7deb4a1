"""Model text as safe HTML: markdown (its HTML off), code highlighted by classes, then an allow-list over the whole."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache as once
from html import escape

import nh3
from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

# Raise it with any change here, so that kept pages are rendered anew.
RENDERING = 1
RENDERED_AT_MOST = 100_000  # characters of one text
FOLDED_ABOVE, SHOWN_OF_FOLDED = 40, 24  # lines of code
KEPT_SECONDS = 3600

# Names, operators and white space carry no colour; without their spans a page weighs half.
PLAIN_SPAN = re.compile(r'<span class="(?:n|p|w|o)">([^<]*)</span>')

TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "blockquote", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "a"),
    *("table", "thead", "tbody", "tr", "th", "td", "code", "pre", "span", "div", "details", "summary"),
}
CLASSES = {
    "div": {"code", "code-head"},
    "span": {name for name in STANDARD_TYPES.values() if name},
}
CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes={"a": {"href", "title"}, "ol": {"start"}, "pre": {"tabindex"}},
    allowed_classes=CLASSES,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    clean_content_tags={"script", "style"},
)


def render_markdown(text: str) -> SafeString:
    """The text as HTML in one element that htmx leaves alone; rendered once and kept."""
    key = f"markdown:{RENDERING}:{hashlib.sha256(text.encode()).hexdigest()}"
    html = cache.get(key)
    if html is None:
        html = _rendered(text)
        cache.set(key, html, KEPT_SECONDS)
    return mark_safe(str(html))  # noqa: S308  # nh3 has passed it


def render_code(code: str, language: str) -> SafeString:
    """One program as a highlighted block."""
    return mark_safe(f"<div hx-disable>{CLEANER.clean(_block(code, language))}</div>")  # noqa: S308  # nh3 has passed it


def _rendered(text: str) -> str:
    shown = text[:RENDERED_AT_MOST]
    html = CLEANER.clean(_parser().render(shown))
    if len(text) > len(shown):
        html += f"<p><em>… {len(text) - len(shown):,} more characters are not shown.</em></p>"
    return f'<div class="prose" hx-disable>{html}</div>'


@once
def _parser() -> MarkdownIt:
    # An image is a request to a stranger's server, so none is ever made.
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    return parser


def _fence(renderer: object, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
    return _block(tokens[index].content, tokens[index].info.strip().partition(" ")[0])


def _block(code: str, language: str) -> str:
    lines = _highlighted(code, language).rstrip("\n").split("\n")
    words = f"{len(lines):,} line{'' if len(lines) == 1 else 's'}"
    head = f'<div class="code-head"><span>{escape(language[:24]) or "text"}</span><span>{words}</span></div>'
    if len(lines) <= FOLDED_ABOVE:
        return f'<div class="code">{head}{_pre(lines)}</div>'
    first, rest = lines[:SHOWN_OF_FOLDED], lines[SHOWN_OF_FOLDED:]
    folded = f"<details><summary>{len(rest):,} more lines</summary>{_pre(rest)}</details>"
    return f'<div class="code">{head}{_pre(first)}{folded}</div>'


def _pre(lines: list[str]) -> str:
    # It scrolls sideways, so the keyboard must reach it.
    return f'<pre tabindex="0"><code>{chr(10).join(lines)}\n</code></pre>'


def _highlighted(code: str, language: str) -> str:
    """Highlighted lines; the formatter closes its spans at each line's end, so lines can be parted."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        lexer = None
    if lexer is None:
        return escape(code)
    return PLAIN_SPAN.sub(r"\1", highlight(code, lexer, HtmlFormatter(nowrap=True)))
