"""Agreement of two judges: hand-computed cases and what must hold for any counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.agreement import exact, matrix, quadratic_kappa, within_one

levels = st.integers(1, 5)
pairs = st.dictionaries(st.tuples(levels, levels), st.integers(1, 50), min_size=1)


def test_the_matrix_has_a_row_for_each_level_of_the_first_judge():
    rows = matrix({(1, 2): 3, (5, 5): 7})
    assert rows[0] == [0, 3, 0, 0, 0]
    assert rows[4] == [0, 0, 0, 0, 7]
    assert sum(map(sum, rows)) == 10


def test_shares_count_queries_and_not_cells():
    counts = {(3, 3): 6, (3, 4): 3, (1, 5): 1}
    assert exact(counts) == pytest.approx(0.6)
    assert within_one(counts) == pytest.approx(0.9)


def test_quadratic_kappa_of_a_case_done_by_hand():
    # Observed: 2 of 8 pairs are one apart, 2/8. By chance: margins 4, 4 against 4, 4 on levels 1 and 2 give 32/64.
    assert quadratic_kappa({(1, 1): 3, (1, 2): 1, (2, 1): 1, (2, 2): 3}) == pytest.approx(0.5)
    # The same with levels 1 and 5: squared distances scale both sides alike.
    assert quadratic_kappa({(1, 1): 3, (1, 5): 1, (5, 1): 1, (5, 5): 3}) == pytest.approx(0.5)


def test_two_judges_that_always_swap_the_ends_disagree_fully():
    assert quadratic_kappa({(1, 5): 10, (5, 1): 10}) == pytest.approx(-1.0)


def test_without_pairs_or_without_room_for_chance_there_is_no_figure():
    assert (exact({}), within_one({}), quadratic_kappa({})) == (None, None, None)
    assert quadratic_kappa({(3, 3): 12}) is None


@given(pairs)
def test_swapping_the_judges_changes_no_figure(counts):
    swapped = {(b, a): count for (a, b), count in counts.items()}
    assert exact(swapped) == exact(counts)
    assert within_one(swapped) == within_one(counts)
    assert quadratic_kappa(swapped) == pytest.approx(quadratic_kappa(counts))


@given(pairs)
def test_kappa_is_one_exactly_where_all_pairs_are_equal(counts):
    kappa = quadratic_kappa(counts)
    if kappa is not None:
        assert kappa <= 1
        assert (kappa == 1) == all(a == b for a, b in counts)
