"""What several people said of keeping one query, as one word."""

from collections.abc import Sequence


def majority(votes: Sequence[bool]) -> bool:
    """Whether most would keep the query; of an even split the last word counts, until a further person settles it."""
    kept = sum(votes)
    return votes[-1] if 2 * kept == len(votes) else 2 * kept > len(votes)


def is_tie(votes: Sequence[bool]) -> bool:
    """As many for keeping as for dropping."""
    return 2 * sum(votes) == len(votes)
