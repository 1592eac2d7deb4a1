"""Precision and recall of a rule from a stratified sample: textbook figures, and coverage over simulated pools."""

import random
from collections import defaultdict
from math import exp

import pytest

from curation.audits.estimation import Judged, precision, recall
from curation.audits.sampling import allocate, draw

KEPT_FROM = 4.0


def judged(stratum, weight, *pairs):
    return [Judged(stratum, weight, kept, right) for kept, right in pairs]


def a_pool(rng, *, size):
    """Cells of two judges' levels: for each query (what the rule does, what people would say)."""
    pool = {}
    for a in range(1, 6):
        for b in range(1, 6):
            count = max(5, int(size * exp(-((a - b - 0.8) ** 2) / 1.5) * rng.uniform(0.5, 1.5)))
            chance = 1 / (1 + exp(-2.2 * ((a + b) / 2 - 3.6)))
            pool[a, b] = [((a + b) / 2 >= KEPT_FROM, rng.random() < chance) for _ in range(count)]
    return pool


def a_sample(pool, rng, *, size):
    """Drawn as the audit draws; the strata are the cells."""
    drawn = []
    for cell, n in allocate({cell: len(queries) for cell, queries in pool.items()}, size).items():
        drawn += judged(str(cell), len(pool[cell]) / n, *draw(pool[cell], n, rng))
    return drawn


def test_the_intervals_cover_the_truth_in_at_least_93_of_100_simulated_pools():
    rng, covered = random.Random(6), defaultdict(int)
    for _ in range(100):
        pool = a_pool(rng, size=400)
        everyone = [query for queries in pool.values() for query in queries]
        both = sum(kept and right for kept, right in everyone)
        truth = {
            precision: both / sum(kept for kept, _ in everyone),
            recall: both / sum(right for _, right in everyone),
        }
        sample = a_sample(pool, rng, size=300)
        for measure, share in truth.items():
            estimate = measure(sample)
            covered[measure] += estimate.low <= share <= estimate.high
            assert estimate.high - estimate.low < 0.35
    assert covered[precision] >= 93
    assert covered[recall] >= 93


def test_a_stratum_counts_by_the_queries_it_stands_for():
    # 900 queries of which half are right, 100 of which all are: by weight 0.55, by verdicts alone 0.75.
    sample = judged("large", 450, (True, True), (True, False)) + judged("small", 50, (True, True), (True, True))
    assert precision(sample).value == pytest.approx(0.55)


def test_precision_looks_at_what_is_kept_and_recall_at_what_is_right():
    sample = judged("all", 10, (True, True), (True, True), (True, False), (False, True), (False, False))
    assert (precision(sample).value, precision(sample).n) == (pytest.approx(2 / 3), 3)
    assert (recall(sample).value, recall(sample).n) == (pytest.approx(2 / 3), 3)


def test_one_large_stratum_gives_wilsons_interval():
    """Wilson's interval for 15 of 20 is 0.531 to 0.888 (statsmodels, proportion_confint(15, 20, method="wilson"));
    ours is a little wider, because it counts one query more on either side and uses a t quantile."""
    sample = judged("all", 1e6, *[(True, True)] * 15, *[(True, False)] * 5)
    estimate = precision(sample)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.75, 0.531, 0.888), abs=0.03)
    assert estimate.low < 0.531
    assert estimate.high > 0.888


def test_a_pool_that_was_judged_whole_leaves_nothing_open():
    sample = judged("all", 1, (True, True), (True, False), (False, True))
    assert (precision(sample).low, precision(sample).high) == (0.5, 0.5)


def test_a_sample_without_a_mistake_is_no_proof_of_a_pool_without():
    estimate = precision(judged("all", 100, *[(True, True)] * 40))
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert 0.85 < estimate.low < 0.95


def test_of_what_was_never_judged_nothing_is_said():
    assert precision([]) is None
    assert precision(judged("all", 5, (False, True))) is None
    assert recall(judged("all", 5, (True, False))) is None
