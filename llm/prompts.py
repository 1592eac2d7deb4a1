"""Prompts: fill in a template strictly, and guess how many tokens a text is before it is sent."""

import math
import re
from collections.abc import Set

PLACEHOLDER = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")

# Bytes per token: near 3.2 for code and 4.2 for English prose, near 3 for scripts of three bytes a letter.
BYTES_PER_TOKEN = 3.5


class PromptError(ValueError):
    """A template and the values for it do not fit."""


def placeholders(template_text: str) -> Set[str]:
    """The names a template asks for."""
    rest = PLACEHOLDER.sub("", template_text)
    if "{{" in rest:
        found = rest[rest.index("{{") :][:40]
        raise PromptError(f"{found!r} is no placeholder; write {{{{name}}}} in small letters")
    return set(PLACEHOLDER.findall(template_text))


def render(template_text: str, **values: str) -> str:
    """Put the values in their places, once: braces within a value stay as they are."""
    asked = placeholders(template_text)
    if missing := sorted(asked - values.keys()):
        raise PromptError(f"no value for {', '.join(missing)}; the values are {', '.join(sorted(values)) or 'none'}")
    if unknown := sorted(values.keys() - asked):
        raise PromptError(f"the template has no place for {', '.join(unknown)}; it asks for {', '.join(sorted(asked))}")
    return PLACEHOLDER.sub(lambda match: values[match[1]], template_text)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is; good to a fifth, and no tokenizer to download."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN)
