"""Which queries are near in meaning: stored vectors, missing ones made first, exact neighbours. Extra `embeddings`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

from curation.models import Query
from curation.passes import Progress
from curation.readings import key_blocks
from curation.vectors import embed_missing, read_vectors, without_vector
from embeddings import Embeds, nearest
from web.counts import counted

NEIGHBOURS = 5
# Nearer than this two queries are worth a person's look; the words then say whether anything contradicts it.
LEAST_SIMILAR = 0.7
# Measured on two cores with real queries; searching grows with the square of their number.
EMBEDDED_A_SECOND, PAIRS_A_SECOND = 27, 1.05e8


def estimate(model: str) -> str:
    """What comparing by meaning will take, in words."""
    queries = Query.objects.in_play()
    count, missing = queries.count(), without_vector(queries, model).count()
    minutes = (missing / EMBEDDED_A_SECOND + count**2 / PAIRS_A_SECOND) / 60
    return (
        f"{missing:,} of {counted(count, 'query', 'queries')} in play have no vector yet: "
        f"about {max(1, round(minutes)):,} min on two processors, "
        f"and {max(1, round(count * 1536 / 1e6)):,} MB of memory"
    )


def nearby_queries(embeds: Embeds, progress: Progress) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """Each query in play with the earlier ones among its neighbours (or that have it among theirs), nearest first."""
    queries = Query.objects.in_play()
    missing = without_vector(queries, embeds.name).count()
    for _ in progress(embed_missing(queries, embeds), total=missing, what="embedding"):
        pass
    keys, hashes = [], []
    for block in key_blocks(queries):
        for key, text_hash in queries.filter(pk__in=block).order_by("pk").values_list("pk", "text_hash"):
            keys.append(key)
            hashes.append(text_hash)
    if len(keys) < 2:
        return
    searched = partial(_searched, progress)
    places, similarities = nearest(read_vectors(hashes, embeds.name), NEIGHBOURS, progress=searched)
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for place, (others, similar) in enumerate(zip(places.tolist(), similarities.tolist(), strict=True)):
        for other, similarity in zip(others, similar, strict=True):
            if similarity >= LEAST_SIMILAR:
                near[max(place, other)][min(place, other)] = similarity
    for later in sorted(near):
        ranked = sorted(near[later].items(), key=lambda item: (-item[1], item[0]))
        yield keys[later], [(keys[earlier], similarity) for earlier, similarity in ranked]


def _searched(progress: Progress, starts: range) -> Iterable[int]:
    return progress(starts, total=len(starts), what="searching neighbours, in blocks")
