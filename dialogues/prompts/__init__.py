"""The prompts of the building roles, one Markdown file each."""

from functools import cache
from pathlib import Path

from llm.prompts import render

FOLDER = Path(__file__).parent


def prompt(name: str, **values: str) -> str:
    """The prompt of that name with its places filled in."""
    return render(_text(name), **values)


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()
