"""A person's browser, as far as HTTP goes: cookies, forms, and the weight of what a page brings along."""

import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookiejar import CookieJar

COMPRESSED = {"Accept-Encoding": "gzip, br"}
CSS_ADDRESS = re.compile(r"url\(\s*['\"]?(?!data:)([^'\")]+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, after redirects; the body as it was sent."""

    address: str
    body: bytes

    @property
    def text(self) -> str:
        """The body of an answer that was not asked for compressed."""
        return self.body.decode()


class Visitor:
    """One browser with its own cookies."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, address: str, *, compressed: bool = False) -> Answer:
        """Ask for a page or a file."""
        return self._ask(address, headers=COMPRESSED if compressed else {})

    def submit(self, address: str, **fields: str) -> Answer:
        """Send a form of a page that was visited before."""
        token = next(cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken")
        return self._ask(address, data=urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode())

    def _ask(self, address: str, *, headers: Mapping[str, str] | None = None, data: bytes | None = None) -> Answer:
        whole = urllib.parse.urljoin(self.site, address)
        request = urllib.request.Request(whole, data, dict(headers or {}))  # noqa: S310  # the site's own pages
        with self._opener.open(request, timeout=60) as answer:
            return Answer(answer.url, answer.read())


def first_load(visitor: Visitor, address: str) -> list[tuple[str, int]]:
    """Every address that a browser with an empty cache asks for to show a page, with the bytes that were sent."""
    page = visitor.get(address)
    waiting, weighed = _addresses_in_html(page), {page.address: len(visitor.get(page.address, compressed=True).body)}
    while waiting:
        file = waiting.pop()
        if file not in weighed:
            weighed[file] = len(visitor.get(file, compressed=True).body)
            if urllib.parse.urlsplit(file).path.endswith(".css"):
                found = CSS_ADDRESS.findall(visitor.get(file).text)
                waiting += [urllib.parse.urljoin(file, inner) for inner in found]
    return sorted(weighed.items(), key=lambda item: -item[1])


def _addresses_in_html(page: Answer) -> list[str]:
    parser = _FilesOfPage()
    parser.feed(page.text)
    return [urllib.parse.urljoin(page.address, file) for file in parser.files]


class _FilesOfPage(HTMLParser):
    """Addresses of styles, scripts and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        file = named.get("href") if tag == "link" else named.get("src") if tag in ("script", "img") else None
        if file and not file.startswith("data:"):
            self.files.append(file)
