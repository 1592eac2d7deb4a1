"""Pages in tests: what a person reads on one, and how htmx asks for a part."""

import re

HTMX = {"HTTP_HX_REQUEST": "true"}


def words(response):
    """The text of a page with its tags and runs of white space gone."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))
