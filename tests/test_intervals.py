"""Intervals of agreement from counts: they cover the truth, do not grow with the pool, and repeat."""

import random
from collections import Counter

import pytest

from curation.scores.agreement import MEASURES, quadratic_kappa
from curation.scores.intervals import bootstrapped, figures

POOL = {
    (1, 1): 30,
    (1, 2): 8,
    (2, 2): 40,
    (2, 3): 15,
    (3, 3): 50,
    (4, 3): 20,
    (4, 4): 45,
    (5, 4): 12,
    (5, 5): 25,
    (5, 2): 6,
}


def drawn_from_the_pool(n, seed):
    cells = random.Random(seed).choices(list(POOL), weights=list(POOL.values()), k=n)
    return Counter(cells)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    truth, covered = quadratic_kappa(POOL), 0
    for seed in range(60):
        sample = drawn_from_the_pool(150, seed)
        low, high = bootstrapped(sample, {"kappa": quadratic_kappa}, rng=random.Random(seed), draws=200)["kappa"]
        covered += low <= truth <= high
    assert covered >= 54


def test_every_measure_lies_within_its_interval_and_more_queries_make_it_narrower():
    few, many = figures(POOL), figures({pair: 100 * count for pair, count in POOL.items()})
    for name in MEASURES:
        assert few[name].low < few[name].value < few[name].high
        assert many[name].value == pytest.approx(few[name].value, abs=0.002)
        assert many[name].high - many[name].low < 0.2 * (few[name].high - few[name].low)


def test_the_same_counts_give_the_same_interval():
    assert figures(POOL) == figures(dict(reversed(POOL.items())))


@pytest.mark.parametrize("counts", [{}, {(3, 3): 1}, {(3, 3): 0}])
def test_of_fewer_than_two_queries_nothing_is_said(counts):
    assert all(figure.low is None and figure.high is None for figure in figures(counts).values())


def test_a_measure_without_a_value_has_no_interval():
    kappa = figures({(3, 3): 40})["kappa"]
    assert (kappa.value, kappa.low, kappa.high) == (None, None, None)
