"""Calibration: isotonic regression by published example and by properties, and tables from verdicts."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.decisions.calibration import LEAST_VERDICTS, calibrate, isotonic

points = st.lists(st.tuples(st.floats(1, 5), st.floats(0.1, 50)), min_size=1, max_size=8)


def test_it_equals_the_example_of_r():
    """R, package stats, help page of isoreg: isoreg(c(1,0,4,3,3,5,4,2,0))."""
    assert isotonic([1, 0, 4, 3, 3, 5, 4, 2, 0], [1] * 9) == pytest.approx([0.5, 0.5, 3, 3, 3, 3, 3, 3, 3])


def test_weights_pull_a_pool_towards_the_heavier_value():
    assert isotonic([3, 2, 4], [3, 1, 1]) == pytest.approx([2.75, 2.75, 4])


@given(points)
def test_the_fit_rises_and_keeps_the_weighted_mean(drawn):
    values, weights = [value for value, _ in drawn], [weight for _, weight in drawn]
    fitted = isotonic(values, weights)
    assert all(low <= high + 1e-9 for low, high in pairwise(fitted))
    mean = sum(value * weight for value, weight in drawn)
    assert sum(value * weight for value, weight in zip(fitted, weights, strict=True)) == pytest.approx(mean)


@pytest.mark.needs("embeddings")
@settings(max_examples=25, deadline=None)
@given(points)
def test_the_fit_is_that_of_scikit_learn(drawn):
    from sklearn.isotonic import IsotonicRegression

    values, weights = [value for value, _ in drawn], [weight for _, weight in drawn]
    theirs = IsotonicRegression().fit_transform(range(len(values)), values, sample_weight=weights)
    assert isotonic(values, weights) == pytest.approx(list(theirs))


def test_a_template_that_rates_a_level_too_high_is_brought_down():
    verdicts = [(level, max(1, level - 1), 1.0) for level in (1, 2, 3, 4, 5) for _ in range(10)]
    found = calibrate(verdicts)
    assert found.table == (1, 1, 2, 3, 4)
    assert (found.counts, found.n) == ((10, 10, 10, 10, 10), 50)


def test_a_level_that_nobody_judged_lies_between_its_neighbours_or_at_the_nearest():
    found = calibrate([(2, 2, 1.0)] * 20 + [(4, 3, 1.0)] * 20)
    assert found.table == pytest.approx((2, 2, 2.5, 3, 3))
    assert found.counts == (0, 20, 0, 20, 0)


def test_the_weight_of_a_verdict_counts():
    found = calibrate([(4, 5, 1.0)] * 20 + [(4, 3, 3.0)] * 20)
    assert found.table[3] == pytest.approx(3.5)


def test_too_few_verdicts_give_no_table():
    assert calibrate([(3, 3, 1.0)] * (LEAST_VERDICTS - 1)) is None
    assert calibrate([(3, 3, 1.0)] * LEAST_VERDICTS) is not None
