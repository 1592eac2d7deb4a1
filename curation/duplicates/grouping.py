"""Groups of queries that are alike, while a pass goes on: who joins whom, and what a person has settled.

A group is a star: every member asks the same as the first and as every other member, so likeness makes no chain.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from curation.duplicates.clusters import Alike
from curation.duplicates.reasons import MEANING
from curation.duplicates.sameness import SAME, Kind, Wording, compare, contradict
from curation.models import MERGED, ClusterKind, ClusterMember, Distinction, Query
from curation.readings import BLOCK

Together = dict[int, list[Alike]]
# What proposes by meaning: a query with the earlier ones near it, nearest first, and how near.
Nearby = Callable[[], Iterator[tuple[int, list[tuple[int, float]]]]]
# Wordings kept at a time; a pass reads them again rather than hold a whole pool.
KEPT_WORDINGS = 20_000


@dataclass(slots=True)
class Groups:
    """Each group by the key of the query that stands for it."""

    same: Together = field(default_factory=dict)
    variants: Together = field(default_factory=dict)
    paraphrases: Together = field(default_factory=dict)
    # merged or linked query → the first of its group
    first: dict[int, int] = field(default_factory=dict)
    varies: dict[int, int] = field(default_factory=dict)
    reported: set[tuple[int, int]] = field(default_factory=set)
    # what people told apart, and who stands for a cluster in which they settled something
    apart: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    settled: set[int] = field(default_factory=set)
    # of clusters that stand already: the members whose words are not the representative's
    known: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def standing(cls) -> "Groups":
        """What stands already, by earlier passes and by people."""
        groups = cls()
        for first, second in Distinction.objects.filter(stands=True).values_list("first_id", "second_id"):
            groups.apart[first].add(second)
            groups.apart[second].add(first)
        rows = ClusterMember.objects.filter(stands=True).exclude(cluster__kind=ClusterKind.FORM).order_by("pk")
        columns = ("cluster__kind", "cluster__representative_id", "query_id", "how")
        for kind, first, key, how in rows.values_list(*columns).iterator():
            groups._note(ClusterKind(kind), first, key, how)
        kept = ClusterMember.objects.filter(cluster__kind__in=MERGED, stands=True, settled=True).order_by()
        groups.settled.update(kept.values_list("cluster__representative_id", flat=True))
        return groups

    def _note(self, kind: ClusterKind, first: int, key: int, how: str) -> None:
        if kind == ClusterKind.VARIANT:
            self.varies[key] = first
        elif kind == ClusterKind.PARAPHRASE:
            self.reported.add((first, key))
        elif how != Kind.FORM:
            self.known[first].append(key)

    def of(self, key: int) -> int:
        """The query that stands for this one."""
        return self.first.get(key, key)

    def otherwise_worded(self, first: int) -> list[int]:
        """The members of a group whose words are not the first's."""
        return [alike.query_id for alike in self.same.get(first, ()) if alike.how != Kind.FORM] + self.known[first]

    def are_apart(self, keys: Iterable[int], others: Iterable[int]) -> bool:
        """Whether a person told one of these from one of the others."""
        if not self.apart:
            return False
        others = set(others)
        return any(self.apart[key] & others for key in keys if key in self.apart)

    def join(self, first: int, key: int, how: Kind) -> bool:
        """Put a query, with those it stands for, into the group of the first; not against a person's word."""
        moved = [key, *(alike.query_id for alike in self.same.get(key, ()))]
        if key in self.settled or (self.apart and self._are_told_apart(first, [*moved, *self.known[key]])):
            return False
        self.same.pop(key, None)
        self.same.setdefault(first, []).extend(Alike(one, how) for one in moved)
        self.first.update(dict.fromkeys(moved, first))
        return True

    def _are_told_apart(self, first: int, moved: list[int]) -> bool:
        staying = (first, *(alike.query_id for alike in self.same.get(first, ())), *self.known[first])
        return self.are_apart(moved, staying)


class Wordings(Mapping[int, Wording]):
    """The words of queries, read in blocks and forgotten when there are many."""

    def __init__(self) -> None:
        self._read: dict[int, Wording] = {}

    def load(self, keys: Iterable[int]) -> None:
        """Read what is missing of these, a block at a time."""
        if len(self._read) > KEPT_WORDINGS:
            self._read.clear()
        missing = sorted(set(keys) - self._read.keys())
        for start in range(0, len(missing), BLOCK):
            rows = Query.objects.filter(pk__in=missing[start : start + BLOCK]).values_list("pk", "text")
            self._read.update((key, Wording.of(text)) for key, text in rows)

    def __getitem__(self, key: int) -> Wording:
        if key not in self._read:
            self.load([key])
        return self._read[key]

    def __iter__(self) -> Iterator[int]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def place_by_words(groups: Groups, later: int, earlier: Sequence[int], wordings: Mapping[int, Wording]) -> None:
    """Merge a query into the first group that asks the same, or else link it as a variant."""
    kinds = {key: compare(wordings[key], wordings[later]) for key in earlier}
    for key in earlier:
        first = groups.of(key)
        if kinds[key] in SAME and first != later:
            how = _same_as_all(groups, first, later, wordings)
            if how is not None and groups.join(first, later, how):
                return
    for key in earlier:
        if kinds[key] == Kind.NUMBERS and _vary(groups, key, later, wordings):
            return


def _same_as_all(groups: Groups, first: int, later: int, wordings: Mapping[int, Wording]) -> Kind | None:
    how = compare(wordings[first], wordings[later])
    mine, theirs = [later, *groups.otherwise_worded(later)], [first, *groups.otherwise_worded(first)]
    alike = all(compare(wordings[one], wordings[other]) in SAME for one in mine for other in theirs)
    return how if alike else None


def _vary(groups: Groups, earlier: int, later: int, wordings: Mapping[int, Wording]) -> bool:
    """Each variant is linked once, to the first of its like."""
    first = groups.of(earlier)
    first = groups.varies.get(first, first)
    if later in groups.varies or later in groups.variants:
        return True
    if first == later or groups.are_apart([later], [first]):
        return False
    if compare(wordings[first], wordings[later]) != Kind.NUMBERS:
        return False
    groups.variants.setdefault(first, []).append(Alike(later, Kind.NUMBERS))
    groups.varies[later] = first
    return True


def place_by_meaning(
    groups: Groups, later: int, near: Sequence[tuple[int, float]], wordings: Mapping[int, Wording]
) -> None:
    """Merge what the words confirm after all; else report the nearest that no word contradicts as a paraphrase."""
    place_by_words(groups, later, [key for key, _ in near], wordings)
    if groups.of(later) != later:
        return
    for key, similarity in near:
        first = groups.of(key)
        told = groups.are_apart([later], [first]) or groups.varies.get(later) == groups.varies.get(first, first)
        if first == later or told or compare(wordings[first], wordings[later]) is not None:
            continue
        if not contradict(wordings[first], wordings[later]):
            if not {(first, later), (later, first)} & groups.reported:
                groups.reported.add((first, later))
                groups.paraphrases.setdefault(first, []).append(Alike(later, MEANING, similarity))
            return
