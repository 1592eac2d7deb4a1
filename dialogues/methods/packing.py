"""Single-turn packing: near queries with their answers become one dialogue (the paper: anchor, k = 4, two or three)."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dialogues.drafts import Draft, DraftSeed, DraftTurn
from dialogues.models import AuthorKind, Method, Role, TurnKind

NEIGHBOURS = 4
FEWEST, MOST = 2, 3
# Nearer than this, two queries ask the same thing, and a dialogue of them would repeat itself.
CEILING, FLOOR = 0.97, -1.0

Similarity = Callable[[int, int], float]


@dataclass(frozen=True, slots=True)
class Pack:
    """Positions of an anchor and of the neighbours chosen for it, in the order of the dialogue."""

    anchor: int
    members: tuple[int, ...]


@dataclass
class Packing:
    """The whole plan: no position stands in two packs; leftovers were usable and stand in none."""

    packs: list[Pack] = field(default_factory=list)
    leftovers: list[int] = field(default_factory=list)


def plan_packs(
    neighbours: Sequence[Sequence[int]],
    usable: Sequence[bool],
    similarity: Similarity,
    rng: random.Random,
    *,
    ceiling: float = CEILING,
    floor: float = FLOOR,
) -> Packing:
    """One pass over the usable positions in random order.

    `neighbours[i]` are the nearest of position i. Members of a pack are usable, still free neighbours of its anchor, at
    least `floor` and at most `ceiling` similar to it, and at most `ceiling` to one another; an anchor with fewer than
    two is bypassed.
    """
    free = list(usable)
    packing = Packing()
    anchors = [position for position, is_usable in enumerate(usable) if is_usable]
    rng.shuffle(anchors)
    for anchor in anchors:
        if not free[anchor]:
            continue
        near = [other for other in neighbours[anchor] if free[other] and similarity(anchor, other) >= floor]
        members = _members(anchor, near, similarity, rng, ceiling)
        if members:
            packing.packs.append(Pack(anchor, members))
            for position in (anchor, *members):
                free[position] = False
    packing.leftovers = [position for position, is_free in enumerate(free) if is_free]
    return packing


def _members(
    anchor: int, near: Sequence[int], similarity: Similarity, rng: random.Random, ceiling: float
) -> tuple[int, ...]:
    """Two or three of the near positions at random; none when there are fewer than two."""
    wanted = rng.randint(FEWEST, MOST)
    chosen: list[int] = []
    for candidate in rng.sample(near, len(near)):
        if len(chosen) < wanted and all(similarity(candidate, other) <= ceiling for other in (anchor, *chosen)):
            chosen.append(candidate)
    return tuple(chosen) if len(chosen) >= FEWEST else ()


class Answered(Protocol):
    """A query with its stored response."""

    @property
    def pk(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def response(self) -> str: ...
    @property
    def language(self) -> str: ...


def packed(queries: Sequence[Answered]) -> Draft:
    """The dialogue of a pack: each query in turn, followed by its own stored response."""
    draft = Draft(method=Method.PACKING)
    for number, query in enumerate(queries):
        draft.seeds.append(DraftSeed(query_id=query.pk))
        draft.turns += [
            DraftTurn(Role.USER, TurnKind.QUERY, query.text, author_kind=AuthorKind.SOURCE, seed=number),
            DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, query.response, author_kind=AuthorKind.SOURCE, seed=number),
        ]
    languages = {query.language for query in queries}
    draft.language = languages.pop() if len(languages) == 1 else ""
    return draft
