"""Linking two scales: worked examples, hand-computed cases, and recovery of what simulated raters were given."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.scores.linking import EQUIPERCENTILE, IDENTITY, LEAST_PAIRS, equipercentile, link, margins

levels = st.integers(1, 5)
pairs = st.dictionaries(st.tuples(levels, levels), st.integers(1, 400), min_size=1)


def scattered(count, shift, noise, seed):
    """Pairs of two raters of one latent difficulty; the second's scale lies `shift` levels higher."""
    generator, counts = random.Random(seed), Counter()
    for _ in range(count):
        latent = generator.gauss(3.2, 1.2)
        first = round(latent + generator.gauss(0, noise))
        second = round(latent - shift + generator.gauss(0, noise))
        counts[min(5, max(1, first)), min(5, max(1, second))] += 1
    return counts


def test_it_equals_the_worked_example_of_kolen_and_brennan():
    """Test Equating, Scaling, and Linking (2nd edition, 2004), pages 41–42; their scores 0–4 are our levels 1–5."""
    form_x, form_y = [0.2, 0.3, 0.2, 0.2, 0.1], [0.1, 0.2, 0.2, 0.3, 0.2]
    assert [point - 1 for point in equipercentile(form_x, form_y)] == pytest.approx(
        [0.5, 1.75, 2.8333, 3.5, 4.25], abs=0.001
    )


def test_a_scale_is_linked_to_itself_unchanged():
    assert equipercentile([3, 9, 14, 6, 2], [30, 90, 140, 60, 20]) == pytest.approx([1, 2, 3, 4, 5])


def test_levels_that_neither_scale_uses_stay_where_they_are():
    assert equipercentile([0, 5, 5, 5, 0], [0, 5, 5, 5, 0]) == pytest.approx([1, 2, 3, 4, 5])


def test_two_levels_that_share_one_level_of_the_anchor_split_its_band():
    # Everything is a 3 for the anchor, so B's halves are the lower and the upper half of the band 2.5 to 3.5.
    assert equipercentile([0, 10, 0, 10, 0], [0, 0, 20, 0, 0])[1] == pytest.approx(2.75)
    assert equipercentile([0, 10, 0, 10, 0], [0, 0, 20, 0, 0])[3] == pytest.approx(3.25)


def test_a_stretch_without_scores_gives_its_middle():
    # Half of B lies below its 3 and half above; A has nothing between its 1 and its 5, so 1.5 to 4.5 all fit.
    assert equipercentile([5, 5, 0, 5, 5], [10, 0, 0, 0, 10])[2] == pytest.approx(3.0)


def test_linking_nothing_is_an_error_and_no_guess():
    with pytest.raises(ValueError, match="no scores to link"):
        equipercentile([0] * 5, [1] * 5)


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_known_shift_between_simulated_raters_is_recovered(shift):
    table = link(scattered(20_000, shift, noise=0.3, seed=shift)).table
    for level in range(1 + (shift > 0), 6 - shift):  # at the ends several levels pile up on one
        assert table[level - 1] == pytest.approx(level + shift, abs=0.12)


def test_a_whole_shift_without_noise_is_recovered_exactly():
    counts = {(level + 1, level): 20 for level in (1, 2, 3, 4)}
    assert link(counts).table[:4] == pytest.approx((2, 3, 4, 5))


def test_below_fifty_pairs_each_level_is_itself():
    few = link({(4, 2): LEAST_PAIRS - 1})
    assert (few.table, few.method, few.n) == ((1.0, 2.0, 3.0, 4.0, 5.0), IDENTITY, 49)
    assert link({(4, 2): LEAST_PAIRS}).method == EQUIPERCENTILE
    assert link({}).table == (1.0, 2.0, 3.0, 4.0, 5.0)


def test_margins_count_each_side():
    assert margins({(1, 2): 3, (1, 5): 1, (4, 2): 2}) == ([4, 0, 0, 2, 0], [0, 5, 0, 0, 1])


@given(pairs)
def test_a_table_never_falls_and_stays_on_the_scale(counts):
    linked = link(counts)
    assert all(low <= high for low, high in zip(linked.table, linked.table[1:], strict=False))
    assert all(1 <= point <= 5 for point in linked.table)
    assert linked.n == sum(counts.values())


@given(pairs)
def test_ten_times_the_same_pairs_give_the_same_points(counts):
    first, second = margins(counts)
    tenfold = equipercentile([10 * count for count in second], [10 * count for count in first])
    assert tenfold == pytest.approx(equipercentile(second, first))
