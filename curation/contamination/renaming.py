"""What stays of a text when the functions and parameters in it are renamed, or when it is put in another language."""

import builtins
import keyword
import re

from curation.contamination.overlaps import visible, words_of

PARAMETERS = r"\s*\(([^()]*)\)"
DEFINED = re.compile(
    rf"\b(?:def|function)\s+([A-Za-z_$][\w$]*){PARAMETERS}"
    rf"|\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*|function\s*)?{PARAMETERS}"
)
# A test or a line of an interactive session calls the functions that it is about.
EXAMPLE = re.compile(r"^.*(?:\bassert\b|>>>).*$", re.MULTILINE | re.IGNORECASE)
CALLED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")
NAME = re.compile(r"[^\W\d][\w$]*")
# One thing under the names that programming languages give it; articles change with them.
PORTED = {
    **dict.fromkeys(("array", "vector", "tuple", "slice"), "list"),
    **dict.fromkeys(("arrays", "vectors", "tuples", "slices"), "lists"),
    **dict.fromkeys(("object", "map", "hash", "dict", "hashmap"), "dictionary"),
    **dict.fromkeys(("null", "nil", "undefined", "nullptr"), "none"),
    **dict.fromkeys(("an",), ""),
}
KNOWN = frozenset(dir(builtins)) | frozenset(keyword.kwlist)


def names_in(text: str) -> set[str]:
    """The names that a text gives: of functions and parameters it defines, of functions that its examples call."""
    names: set[str] = set()
    for function, parameters, arrow, arrow_parameters in DEFINED.findall(text):
        names.add(function or arrow)
        names.update(_name(one) for one in (parameters or arrow_parameters).split(","))
    for line in EXAMPLE.findall(text):
        names.update(CALLED.findall(line))
    return {name for name in names if name and name not in KNOWN}


def words_without_names(text: str, whole: str = "") -> list[str]:
    """The words without the names that the text gives, without articles and single letters, types under one name.

    `whole`: what the text is a part of, where the names are given there. No words when no name is given.
    """
    seen = visible(text)
    names = names_in(visible(whole) if whole else seen)
    if not names:
        return []
    words = words_of(NAME.sub(lambda name: " " if name[0] in names or len(name[0]) == 1 else name[0], seen))
    return [word for word in (PORTED.get(word, word) for word in words) if word]


def _name(parameter: str) -> str:
    found = NAME.match(parameter.strip().lstrip("*."))
    return found[0] if found else ""
