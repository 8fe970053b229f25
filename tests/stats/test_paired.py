"""Paired contrasts against scipy and the stats room."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.stats.intervals import over_seeds
from kdprobe.stats.paired import contrast


def test_a_contrast_is_the_paired_t_test():
    differences = np.random.default_rng(0).normal(0.3, 1, size=(4, 3, 9))
    found = contrast(differences)
    expected = stats.ttest_1samp(differences, 0, axis=-1)
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose(found.p, expected.pvalue, rtol=1e-10)
    np.testing.assert_allclose(found.interval(), (interval.low, interval.high), rtol=1e-10)
    simultaneous = expected.confidence_interval(1 - 0.05 / 5)
    np.testing.assert_allclose(found.interval(tests=5), (simultaneous.low, simultaneous.high), rtol=1e-10)


def test_a_contrast_agrees_with_the_interval_over_seeds():
    differences = np.random.default_rng(1).normal(size=10)
    ours, theirs = contrast(differences).measurement("nats"), over_seeds(differences)
    assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high), rel=1e-12)
    assert (ours.n, ours.unit, ours.estimand) == (10, "nats", "this recipe")


@pytest.mark.parametrize(("values", "p"), [([0.0, 0.0, 0.0], 1.0), ([0.25, 0.25, 0.25], 0.0)])
def test_differences_without_spread(values, p):
    found = contrast(np.array(values))
    assert float(found.p) == p
    assert found.measurement().low == values[0]


def test_exceeds_is_one_sided():
    # t(9) is above 1.833 with probability .05: a mean of 1.9 standard errors exceeds 0 for one test, not for two
    differences = np.array([-1.0, 1.0] * 5)
    differences += 1.9 * differences.std(ddof=1) / np.sqrt(10)
    assert bool(contrast(differences).exceeds())
    assert not bool(contrast(differences).exceeds(tests=2))


def test_without_any_spread_a_mean_is_at_a_margin_or_surely_on_one_side_of_it():
    found = contrast(np.ones(5))
    assert [float(found.below(margin)) for margin in (0.0, 1.0, 2.0)] == [1.0, 0.5, 0.0]
