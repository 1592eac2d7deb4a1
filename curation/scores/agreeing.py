"""Two judges side by side over the pool: what they gave, together and by source and language, with agreement."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count

from curation.models import Judge, Score, Source, Stage
from curation.scores.intervals import Figure, figures
from curation.scores.judges import counting_judges
from curation.scores.linking import LinkTable
from curation.scores.patterns import level_of, tally

# What two judges gave one query: levels, None where a reply could not be read.
Pair = tuple[int | None, int | None]
# By source and language.
Ratings = Counter[tuple[int | None, int | None, int, str]]
SMALLEST_GROUP = 30
GAPS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Group:
    """Queries that both judges have answered, and how far the two agree on them."""

    name: str
    answered: int
    readable: int
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Gaps:
    """How far two judges lie apart, in whole levels: on their own scales, or after linking."""

    counts: tuple[int, ...]
    mean: float

    @property
    def wide(self) -> int:
        return sum(self.counts[2:])


def joint_ratings(first: Judge, second: Judge) -> Ratings:
    """What the two gave each query in play: from the index where both count, else from the scores themselves."""
    if {first.pk, second.pk} <= {judge.pk for judge in counting_judges()}:
        return _from_patterns(first, second)
    both = Score.objects.filter(judge=first, query__scores__judge=second).order_by()
    in_play = both.exclude(query__stage__in=[Stage.DUPLICATE, Stage.SET_ASIDE])
    columns = ("value", "query__scores__value", "query__source", "query__language")
    return Counter({tuple(row[:-1]): row[-1] for row in in_play.values_list(*columns).annotate(n=Count("*"))})


def _from_patterns(first: Judge, second: Judge) -> Ratings:
    ratings: Ratings = Counter()
    marks = (f"{first.pk}=", f"{second.pk}=")
    for (pattern, source, language), count in tally("source", "language").items():
        if all(f" {pattern}".find(f" {mark}") >= 0 for mark in marks):
            ratings[level_of(pattern, first), level_of(pattern, second), int(source), language] += count
    return ratings


def pairs_of(ratings: Ratings) -> Counter[Pair]:
    """The pairs over all sources and languages, unreadable ones too."""
    pairs: Counter[Pair] = Counter()
    for (a, b, _, _), count in ratings.items():
        pairs[a, b] += count
    return pairs


def readable(pairs: Mapping[Pair, int]) -> Counter[tuple[int, int]]:
    """Those in which both replies could be read."""
    return Counter({(a, b): count for (a, b), count in pairs.items() if a is not None and b is not None})


def group_of(name: str, pairs: Mapping[Pair, int]) -> Group:
    whole = readable(pairs)
    return Group(name, sum(pairs.values()), whole.total(), figures(whole))


def groups_by_source(ratings: Ratings) -> list[Group]:
    """The largest source first."""
    slugs = dict(Source.objects.values_list("pk", "slug"))
    return _groups((slugs.get(source, "?"), (a, b), count) for (a, b, source, _), count in ratings.items())


def groups_by_language(ratings: Ratings) -> list[Group]:
    """The largest language first; those of fewer than thirty queries say too little and are left out."""
    return [
        group
        for group in _groups((language or "unknown", (a, b), n) for (a, b, _, language), n in ratings.items())
        if group.answered >= SMALLEST_GROUP
    ]


def _groups(parts: Iterable[tuple[str, Pair, int]]) -> list[Group]:
    by_name: defaultdict[str, Counter[Pair]] = defaultdict(Counter)
    for name, pair, count in parts:
        by_name[name][pair] += count
    return sorted((group_of(name, pairs) for name, pairs in by_name.items()), key=lambda group: -group.answered)


def gaps(pairs: Mapping[tuple[int, int], int], table: LinkTable | None = None) -> Gaps:
    """How many queries have which gap, to the nearest level; with a table the second judge is read on the first's
    scale."""
    counts, total = [0] * len(GAPS), 0.0
    for (a, b), count in pairs.items():
        gap = abs(a - (table.onto_anchor(b) if table else b))
        counts[min(GAPS[-1], int(gap + 0.5))] += count
        total += gap * count
    n = sum(counts)
    return Gaps(tuple(counts), total / n if n else 0.0)
