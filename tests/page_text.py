"""What a person reads on a page: its text without the markup."""

import re


def words(response):
    """The text of a page with its tags and runs of white space gone."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))
