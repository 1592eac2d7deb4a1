"""A cell of the matrix as a queue: the scores of some judges in one short text (`3=4 7=2`), and what fits them."""

from collections.abc import Mapping

from curation.models import Judge
from curation.scores.judges import counting_judges, names_of
from curation.scores.patterns import level_of, tally
from web.counts import kept_for_a_while


def cell_of(levels: Mapping[Judge, int | None]) -> str:
    """The text of a cell, as an address holds it; None stands for a reply that could not be read."""
    return " ".join(f"{judge.pk}={levels[judge] or '-'}" for judge in sorted(levels, key=lambda judge: judge.pk))


def patterns_in(cell: str) -> list[str]:
    """The patterns of scores in a cell. Where it names every judge that counts, it is one itself."""
    wanted = set(cell.split())
    named = {part.partition("=")[0] for part in wanted}
    if named == {str(judge.pk) for judge in counting_judges()}:
        return [cell]
    known = kept_for_a_while("patterns", lambda: [pattern for (pattern,) in tally()])
    return [pattern for pattern in known if wanted <= set(pattern.split())]


def cell_in_words(cell: str) -> str:
    """A 4, B 2: the judges that count by letter or, without one, by name."""
    judges = counting_judges()
    letters = dict(zip((judge.pk for judge in judges), "ABCDEFGH", strict=False))
    names = dict(zip((judge.pk for judge in judges), names_of(judges), strict=True))
    said = [(judge, level_of(cell, judge)) for judge in judges if f" {judge.pk}=" in f" {cell}"]
    return ", ".join(f"{letters.get(judge.pk) or names[judge.pk]} {level or 'unreadable'}" for judge, level in said)
