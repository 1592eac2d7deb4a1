"""Why a query counts as a duplicate of another: in what their texts differ, or because a person said so."""

from importlib.util import find_spec

from curation.duplicates.likeness import likeness
from curation.duplicates.sameness import SAME, Kind, Wording, compare, names_alike

# How a member came in when it was not by comparing the words.
MEANING, PERSON = "meaning", "person"
REASONS = {kind.value: f"{kind.label} differ" for kind in Kind} | {PERSON: "a person said so"}
REASONS[Kind.FORM] = "same words; only case, punctuation or courtesies differ"
REASONS[Kind.NAMES] = "same words; only names differ, one for one"


def how_alike(first: str, other: str) -> str:
    """In what two texts of one cluster differ; where no pass would merge them, a person put them together."""
    one, two = Wording.of(first), Wording.of(other)
    if likeness(one.words, one.names) == likeness(two.words, two.names) and names_alike(one, two):
        return Kind.FORM if one.words == two.words else Kind.NAMES
    # Slips are told by a dictionary of the extra `dedup`; clusters of equal form are there without it.
    kind = compare(one, two) if find_spec("spellchecker") else None
    return kind if kind in SAME else PERSON
