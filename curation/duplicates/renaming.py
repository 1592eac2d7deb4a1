"""The names under which one task stands in a pool, and whether one more name asks the same as all of them.

A look at each pair would take the square of the names, and thousands of texts may be one but for the name they declare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from curation.duplicates.grouping import Groups
from curation.duplicates.meanings import told_by_name, without_prefix
from curation.duplicates.sameness import Wording


@dataclass(slots=True)
class _Place:
    """All names that stood in one place of the task."""

    names: set[str] = field(default_factory=set)
    # with a prefix left out that turns a word round
    shortened: set[str] = field(default_factory=set)
    told: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, name: str) -> None:
        self.names.add(name)
        self.shortened.update(without_prefix(name))
        self.told.add(told_by_name(name))

    def may_be(self, name: str) -> bool:
        """As `name_may_be` has it, with each of the names."""
        return (
            self.told <= {told_by_name(name)}
            and name not in self.shortened
            and self.names.isdisjoint(without_prefix(name))
        )


class NamesOfTask:
    """The names of texts that ask the same, by their place in the order of appearance."""

    def __init__(self) -> None:
        self._places: list[_Place] = []

    def add(self, names: Sequence[str]) -> None:
        """Note the names of one more text."""
        self._places += (_Place() for _ in names[len(self._places) :])
        for place, name in zip(self._places, names, strict=False):
            place.add(name)

    def may_be(self, names: Sequence[str]) -> bool:
        """Whether each of these may stand for all that stood in its place."""
        return all(place.may_be(name) for place, name in zip(self._places, names, strict=False))


class Renamings:
    """The names of each group while a pass goes on, gathered when a text comes that may be one of them renamed."""

    def __init__(self, groups: Groups, wordings: Mapping[int, Wording]) -> None:
        self._groups, self._wordings = groups, wordings
        self._names: dict[int, NamesOfTask] = {}

    def fit(self, first: int, later: Wording) -> bool:
        """Whether a text with the likeness of the first asks the same as it, and as all that it stands for."""
        return self._of(first).may_be(later.named())

    def add(self, first: int, later: Wording) -> None:
        """Note a text that joined the group."""
        self._of(first).add(later.named())

    def _of(self, first: int) -> NamesOfTask:
        if first not in self._names:
            self._names[first] = NamesOfTask()
            for key in [first, *self._groups.otherwise_worded(first)]:
                self._names[first].add(self._wordings[key].named())
        return self._names[first]
