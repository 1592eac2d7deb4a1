"""The packing plan: a pure function of neighbours, similarities and a seed."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogues.methods.packing import plan_packs
from dialogues.models import Role
from tests.making import a_query


def plan(neighbours, usable=None, similarity=lambda one, other: 0.5, seed=1, **options):
    return plan_packs(neighbours, usable or [True] * len(neighbours), similarity, random.Random(seed), **options)


def ring(count):
    """Everyone's nearest are the next four in a circle."""
    return [[(one + step) % count for step in (1, 2, 3, 4)] for one in range(count)]


@settings(max_examples=200)
@given(st.data())
def test_no_position_stands_twice_and_members_are_free_neighbours_of_their_anchor(data):
    count = data.draw(st.integers(1, 30))
    others = st.lists(st.integers(0, count - 1), max_size=4, unique=True)
    neighbours = [[other for other in data.draw(others) if other != position] for position in range(count)]
    usable = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    packing = plan(neighbours, usable, seed=data.draw(st.integers()))
    packed = [position for pack in packing.packs for position in (pack.anchor, *pack.members)]
    assert len(packed) == len(set(packed))
    assert all(usable[position] for position in packed)
    assert all(2 <= len(pack.members) <= 3 for pack in packing.packs)
    assert all(member in neighbours[pack.anchor] for pack in packing.packs for member in pack.members)
    assert sorted([*packed, *packing.leftovers]) == [position for position in range(count) if usable[position]]


def test_the_same_seed_gives_the_same_plan_and_another_seed_another():
    first, again, other = plan(ring(40), seed=5), plan(ring(40), seed=5), plan(ring(40), seed=6)
    assert first.packs == again.packs != other.packs


def test_an_anchor_with_fewer_than_two_free_neighbours_is_bypassed():
    assert plan([[1], [0], [0, 1]], usable=[True, True, False]).leftovers == [0, 1]
    assert len(plan([[1, 2], [0], [0]]).packs) == 1


def test_two_and_three_members_both_come_up():
    sizes = {len(pack.members) for pack in plan(ring(400)).packs}
    assert sizes == {2, 3}


def test_near_duplicates_do_not_share_a_dialogue():
    twins = {frozenset(pair) for pair in [(0, 1), (2, 3)]}
    packing = plan(ring(5), similarity=lambda one, other: 0.99 if frozenset((one, other)) in twins else 0.6)
    for pack in packing.packs:
        together = {pack.anchor, *pack.members}
        assert not any(pair <= together for pair in twins)


def test_a_floor_leaves_distant_neighbours_out():
    assert plan(ring(5), floor=0.6).packs == []
    assert len(plan(ring(5), floor=0.5).packs) == 1


@pytest.mark.django_db
def test_a_packed_draft_alternates_queries_with_their_own_answers():
    from dialogues.methods.packing import packed

    queries = [a_query(f"Question {n}?", response=f"Answer {n}.", language="python") for n in range(3)]
    draft = packed(queries)
    draft.check()
    assert [turn.content for turn in draft.turns] == [
        text for query in queries for text in (query.text, query.response)
    ]
    assert [turn.role for turn in draft.turns] == [Role.USER, Role.ASSISTANT] * 3
    assert [seed.query_id for seed in draft.seeds] == [query.pk for query in queries]
    assert [turn.seed for turn in draft.turns] == [0, 0, 1, 1, 2, 2]
    assert draft.language == "python" and draft.last_run_clean is None
    assert packed([*queries, a_query(response="x", language="go")]).language == ""
