"""What tests of the funnel read from pages: links with numbers, and how many rows a list shows."""

import json
import re
from html.parser import HTMLParser

from tests.running import run_command


class Links(HTMLParser):
    """(address, number in its words) of every link to a list of rows."""

    def __init__(self, html):
        super().__init__()
        self.found, self._open, self._words = [], "", ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get("href", "")
        if tag == "a" and re.match(r"/(queries|dialogues|imports/lines)/", address):
            self._open, self._words = address, ""

    def handle_data(self, data):
        self._words += data

    def handle_endtag(self, tag):
        if tag == "a" and self._open and (number := re.search(r"\d[\d,]*", self._words)):
            self.found.append((self._open, int(number[0].replace(",", ""))))
        if tag == "a":
            self._open = ""


def rows_of(client, address):
    """How many rows all pages of a list show."""
    counted, path = 0, address.partition("?")[0]
    while address:
        html = client.get(address, headers={"HX-Request": "true"}).content.decode()
        counted += html.partition("<tbody>")[2].count("<tr>")
        following = re.search(r'rel="next"\s+href="([^"]+)"', html)
        address = path + following[1].replace("&amp;", "&") if following else ""
    return counted


def a_file(folder, name, *texts):
    """A file of queries; what is no text stands in it as a line that nobody can read."""
    path = folder / name
    path.write_text(
        "\n".join(json.dumps({"instruction": text, "output": "ok"}) if text else "{bad" for text in texts) + "\n"
    )
    return path


def imported(path, source):
    assert run_command("import_queries", path, "--source", source).exit_code == 0
