"""Agreement of two judges: published examples, hand-computed cases, and what must hold for any counts."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.scores.agreement import (
    alpha_of,
    coincidences,
    exact,
    matrix,
    mean_offset,
    ordinal_alpha,
    quadratic_kappa,
    spearman,
    within_one,
)

levels = st.integers(1, 5)
pairs = st.dictionaries(st.tuples(levels, levels), st.integers(1, 50), min_size=1)


def expanded(counts):
    """The pairs themselves, for libraries that count rows."""
    return zip(*(pair for pair, count in counts.items() for _ in range(count)), strict=True)


def test_quadratic_kappa_equals_the_example_of_the_package_irr():
    """R package irr 0.84, `kappa2(anxiety[, 1:2], "squared")`: 20 people, levels 1 to 6, kappa 0.297."""
    first = [3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3]
    second = [3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4]
    assert quadratic_kappa(Counter(zip(first, second, strict=True))) == pytest.approx(0.297, abs=0.0005)


def test_quadratic_kappa_equals_the_example_of_gwet():
    """K. Gwet, Handbook of Inter-Rater Reliability: two abstractors of 100 records; in his R package irrCAC,
    `kappa2.table(cont3x3abstractors, weights = quadratic.weights(1:3))` gives 0.8921569."""
    counts = {(1, 1): 13, (2, 2): 20, (2, 3): 7, (3, 2): 4, (3, 3): 56}
    assert quadratic_kappa(counts) == pytest.approx(0.8921569, abs=1e-7)


def test_ordinal_alpha_equals_the_example_of_krippendorff():
    """K. Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section D: four observers, twelve units,
    gaps in the data, ordinal alpha 0.815."""
    a = [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None]
    b = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3]
    c = [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None]
    d = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]
    met = coincidences(Counter(zip(a, b, c, d, strict=True)))
    assert met[1, 1] == pytest.approx(7)
    assert met[1, 2] == met[2, 1] == pytest.approx(4 / 3)
    assert alpha_of(met) == pytest.approx(0.815, abs=0.0005)


def test_the_rank_correlation_equals_a_worked_example():
    """Wikipedia, Spearman's rank correlation coefficient: IQ and hours of television, rho = -29/165."""
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(Counter(zip(iq, hours, strict=True))) == pytest.approx(-29 / 165)


@pytest.mark.needs("embeddings")
@settings(max_examples=25, deadline=None)
@given(pairs)
def test_the_figures_are_those_of_scikit_learn_and_scipy(counts):
    from scipy.stats import spearmanr
    from sklearn.metrics import cohen_kappa_score

    first, second = (list(side) for side in expanded(counts))
    ours = (quadratic_kappa(counts), spearman(counts))
    if ours[0] is not None:
        assert ours[0] == pytest.approx(cohen_kappa_score(first, second, weights="quadratic", labels=[1, 2, 3, 4, 5]))
    if ours[1] is not None:
        assert ours[1] == pytest.approx(spearmanr(first, second).statistic)


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
    for measure in (exact, within_one, quadratic_kappa, ordinal_alpha, spearman, mean_offset):
        assert measure({}) is None
    for measure in (quadratic_kappa, ordinal_alpha, spearman):
        assert measure({(3, 3): 12}) is None


def test_the_offset_says_which_judge_rates_lower():
    assert mean_offset({(4, 3): 3, (5, 5): 1}) == pytest.approx(-0.75)


def test_the_ordinal_distance_counts_the_ratings_between_two_levels():
    # By hand: units (1, 1) and (2, 5); the middles of levels 1, 2 and 5 in the row of ratings are 1, 2.5 and 3.5.
    met = coincidences({(1, 1): 1, (2, 5): 1})
    # Observed 2·(3.5-2.5)² = 2; expected: sum over ordered pairs of ratings 2·(2·1.5² + 2·2.5² + 1²) = 36.
    assert alpha_of(met) == pytest.approx(1 - 3 * 2 / 36)


def test_a_unit_that_one_judge_rated_says_nothing():
    assert coincidences({(3, None): 5, (None, None): 2, (1, 2): 1}) == {(1, 2): 1, (2, 1): 1}


@given(pairs)
def test_swapping_the_judges_changes_no_figure(counts):
    swapped = {(b, a): count for (a, b), count in counts.items()}
    assert exact(swapped) == exact(counts)
    assert within_one(swapped) == within_one(counts)
    assert quadratic_kappa(swapped) == pytest.approx(quadratic_kappa(counts))
    assert ordinal_alpha(swapped) == pytest.approx(ordinal_alpha(counts))
    assert spearman(swapped) == pytest.approx(spearman(counts))
    assert mean_offset(swapped) == pytest.approx(-mean_offset(counts))


@given(pairs)
def test_kappa_is_one_exactly_where_all_pairs_are_equal(counts):
    kappa = quadratic_kappa(counts)
    if kappa is not None:
        assert kappa <= 1
        assert (kappa == 1) == all(a == b for a, b in counts)


@given(pairs)
def test_alpha_of_two_judges_is_alpha_of_units_with_two_ratings(counts):
    assert ordinal_alpha(counts) == pytest.approx(alpha_of(coincidences(counts)))
