"""Model text on a page: readable, highlighted, and harmless whatever it holds."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.markdown import FOLDED_ABOVE, RENDERED_AT_MOST, SHOWN_OF_FOLDED, render_code, render_markdown

HARMLESS_TAGS = {
    *("div", "p", "pre", "code", "span", "em", "strong", "a", "ul", "ol", "li", "br", "hr", "h1", "h2", "blockquote"),
    *("details", "summary", "table", "thead", "tbody", "tr", "th", "td", "s", "h3", "h4", "h5", "h6"),
}


class Elements(HTMLParser):
    """All elements of a page and their attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def tags_of(html):
    return Elements(html).tags


def attributes_of(html):
    return Elements(html).attributes


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "[press](javascript:alert(1))",
        "[press](data:text/html;base64,PHNjcmlwdD4=)",
        "![seen](https://elsewhere.example/pixel.png)",
        '<div hx-get="/actions/" hx-trigger="load">x</div>',
        '```python" onmouseover="alert(1)\nx\n```',
        "```\n</code></pre><script>alert(1)</script>\n```",
        '<p style="position:fixed">x</p>',
        "<form action=/logout/><button>go</button></form>",
    ],
)
def test_nothing_in_a_text_becomes_active(text):
    html = render_markdown(text)
    assert tags_of(html) <= HARMLESS_TAGS
    assert attributes_of(html) <= {"class", "href", "title", "rel", "tabindex", "start", "hx-disable"}
    assert "javascript:" not in html.replace("(javascript:", "")
    assert "data:" not in html.replace("(data:", "")


@given(st.text(alphabet="<>/\"'=`~[]()!*_#\n &;scriptonlerahfj:", max_size=120))
def test_no_mixture_of_markup_gets_past_the_allow_list(text):
    html = render_markdown(text)
    assert tags_of(html) <= HARMLESS_TAGS
    assert not any(name.startswith(("on", "hx-g", "hx-t", "style")) for name in attributes_of(html))


def test_htmx_leaves_model_text_alone():
    assert render_markdown("x").startswith('<div class="prose" hx-disable>')
    assert "hx-disable" in render_code("x = 1", "python")


def test_links_leave_without_a_trace_of_this_site():
    assert 'rel="noopener noreferrer nofollow"' in render_markdown("[docs](https://docs.python.org/3/)")


def test_relative_links_lead_nowhere():
    assert "href" not in render_markdown("[undo everything](/actions/1/undo/)")


def test_code_is_highlighted_by_classes_in_its_language():
    html = render_markdown("```python\ndef merge(a):\n    return a\n```")
    assert '<span class="k">def</span>' in html
    assert "<span>python</span>" in html
    assert "2 lines" in html
    assert "style=" not in html


def test_an_unknown_language_is_shown_as_it_is():
    html = render_markdown("```klingon\nqapla' < 1\n```")
    assert "<span>klingon</span>" in html
    assert "qapla' &lt; 1" in html


def test_code_keeps_every_line_and_its_indentation():
    code = "\n\nif x:\n\n    y = 1\n"
    shown = re.sub(r"<[^>]*>", "", render_code(code, "python").partition("<code>")[2])
    assert shown.rstrip("\n") == code.rstrip("\n")


def test_long_code_is_folded_after_its_first_lines():
    html = render_code("\n".join(f"line_{n} = {n}" for n in range(FOLDED_ABOVE + 1)), "python")
    before, _, after = html.partition("<details>")
    assert f"line_{SHOWN_OF_FOLDED - 1} " in before
    assert f"line_{SHOWN_OF_FOLDED} " in after
    assert f"{FOLDED_ABOVE + 1 - SHOWN_OF_FOLDED} more lines" in after


def test_code_at_the_limit_is_not_folded():
    assert "<details>" not in render_code("\n".join("x" for _ in range(FOLDED_ABOVE)), "python")


def test_a_very_long_text_is_cut_and_says_so():
    html = render_markdown("a" * (RENDERED_AT_MOST + 7))
    assert "7 more characters are not shown" in html
    assert len(html) < RENDERED_AT_MOST + 500


def test_tables_and_lists_are_rendered():
    assert tags_of(render_markdown("| a |\n|---|\n| 1 |\n\n1. x\n2. y")) >= {"table", "ol", "li"}
