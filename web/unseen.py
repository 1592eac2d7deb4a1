"""Middleware: characters that nobody sees are written out on every page, so that no text reads otherwise than it is.

Only what is shown changes, and only on its way to the browser: what stands in a form goes back as it came.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

Answerer = Callable[[HttpRequest], HttpResponseBase]

# Controls but for white space, what turns the direction of writing, what has no width, tags, and blank Hangul.
HIDDEN = "\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
HIDDEN += "\u3164\uffa0\ufff9-\ufffb\U000e0000-\U000e007f"
# They shape emoji, Persian and Indic words; anywhere else they are as hidden.
JOINERS = "\u200c\u200d"
SHAPED = rf"[^\x00-\x7f{HIDDEN}{JOINERS}]"

SUSPECT = re.compile(f"[{HIDDEN}{JOINERS}]")
UNSEEN = re.compile(f"[{HIDDEN}]|(?<!{SHAPED})[{JOINERS}]|[{JOINERS}](?!{SHAPED})")
KEPT = re.compile(r"<!--.*?-->|<(textarea|script|style)\b.*?</\1\s*>", re.DOTALL)
# In the values of attributes no "<" stands, since templates escape it.
TAG = re.compile(r"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
READ_OUT = re.compile(r'(?<=\s)(?:title|aria-label|alt|placeholder)="[^"]*"')


def show_unseen(get_response: Answerer) -> Answerer:
    """Write out in each page what nobody would see; downloads leave as they are."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html"):
            html = response.content.decode(response.charset)
            if SUSPECT.search(html):
                response.content = written_out(html)
        return response

    return answer


def written_out(html: str) -> str:
    """The page with a mark for each unseen character of its texts and hints; fields of forms keep theirs."""
    pieces, end = [], 0
    for kept in KEPT.finditer(html):
        pieces += [_marked(html[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join([*pieces, _marked(html[end:])])


def _marked(html: str) -> str:
    # Few of the pieces hold what is looked for, and to take a thousand tags apart costs as much as a query.
    first, *others = html.split("<")
    return "<".join([UNSEEN.sub(_mark, first), *(_piece(one) if SUSPECT.search(one) else one for one in others)])


def _piece(piece: str) -> str:
    """A tag without its `<`, and the text behind it."""
    tag = TAG.match(f"<{piece}")
    end = tag.end() - 1 if tag else 0
    return READ_OUT.sub(lambda hint: UNSEEN.sub(_mark, hint[0]), piece[:end]) + UNSEEN.sub(_mark, piece[end:])


def _mark(found: re.Match[str]) -> str:
    return f"⟦U+{ord(found[0]):04X}⟧"
