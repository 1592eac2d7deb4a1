"""What a withdrawal takes and moves, in words."""

from web.counts import counted

# One, and several.
WORDS = {
    "queries": ("query that nothing else holds", "queries that nothing else holds"),
    "moving": ("query that moves to another file", "queries that move to another file"),
    "sightings": ("sighting", "sightings"),
    "scores": ("score", "scores"),
    "verdicts": ("verdict of a person", "verdicts of people"),
    "hits": ("contamination hit", "contamination hits"),
    "freed": (
        "near-duplicate elsewhere that stands for itself",
        "near-duplicates elsewhere that stand for themselves",
    ),
    "problems": ("problem", "problems"),
    "solutions": ("solution", "solutions"),
    "moving_problems": ("problem that moves to another file", "problems that move to another file"),
    "moving_solutions": ("solution that moves to another file", "solutions that move to another file"),
    "grown": ("dialogue grown from them", "dialogues grown from them"),
    "imported": ("imported dialogue", "imported dialogues"),
    "exported": (
        "of these dialogues kept as withdrawn, since it was exported",
        "of these dialogues kept as withdrawn, since they were exported",
    ),
    "moving_dialogues": (
        "imported dialogue that moves to another file",
        "imported dialogues that move to another file",
    ),
    "reviews": ("review of a person", "reviews of people"),
    "versions": ("approved version", "approved versions"),
    "rejected": ("rejected record", "rejected records"),
    "batches": ("import", "imports"),
}


def in_words(counts: dict[str, int]) -> str:
    """What went, as one line of the record."""
    found = ((n, *words) for name, words in WORDS.items() if (n := counts.get(name, 0)))
    return ", ".join(counted(n, one, many) for n, one, many in found) or "nothing"


def named(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Each count that is not nothing, below the heading under which it stands."""
    return [(many, n) for name, (_, many) in WORDS.items() if (n := counts.get(name, 0))]
