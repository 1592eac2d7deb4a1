"""What a new database holds from the beginning."""

import tomllib
from pathlib import Path
from typing import Any

from django.apps.registry import Apps

PROMPTS = Path(__file__).parents[1] / "prompts"
FIELDS = ("name", "answer_order", "level_labels", "body")


def install_templates(apps: Apps, schema_editor: Any) -> None:
    """A first version of each shipped template that is not here yet, so that the pages have what to show."""
    Template = apps.get_model("curation", "Template")
    for path in sorted(PROMPTS.glob("*.toml")):
        shipped = tomllib.loads(path.read_text(encoding="utf-8"))
        if not Template.objects.filter(name=shipped["name"]).exists():
            Template.objects.create(version=1, **{name: shipped[name] for name in FIELDS})
