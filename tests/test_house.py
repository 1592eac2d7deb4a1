"""The rules of the house that no linter knows: a module says what it is and stays short, a template hides no tag."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("config", "accounts", "curation", "dialogues", "runs", "llm", "sandbox", "embeddings", "web", "bench", "tests")
MODULES = [
    path
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in path.relative_to(ROOT).parts
]
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
MARK = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "service", "services"}


def test_a_module_says_what_it_is_and_stays_short():
    wrong = [(str(path.relative_to(ROOT)), found) for path in MODULES if (found := _against_the_rules(path))]
    assert len(MODULES) > 500
    assert wrong == []


def _against_the_rules(path):
    lines = path.read_text().splitlines()
    first = next((line for line in lines if not line.startswith("#")), "")
    found = {
        "opens without a docstring": not re.match('"""[^"]', first),
        f"has {len(lines)} lines": len(lines) > 300,
        "has a name that says nothing": path.stem in FORBIDDEN_NAMES,
    }
    return [words for words, is_so in found.items() if is_so]


def test_every_tag_of_a_template_opens_and_closes_on_its_line():
    """Django takes half a tag for text and shows it."""
    lines = [(path, number, line) for path in TEMPLATES for number, line in enumerate(path.read_text().splitlines(), 1)]
    assert len(lines) > 1_000
    assert [(str(path), number) for path, number, line in lines if MARK.search(TAG.sub("", line))] == []


@pytest.mark.needs("import_linter")
def test_the_floors_hold():
    checked = subprocess.run([ROOT / ".venv/bin/lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
