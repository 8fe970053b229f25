"""Paired contrasts against scipy and the stats room."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.report.paired import contrast, holm, seeds_needed
from kdprobe.stats.intervals import over_seeds


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


def test_holm_controls_the_family_and_beats_bonferroni():
    rng = np.random.default_rng(2)
    # 12 claims, 9 of them true nulls, correlated through one common variable
    z = 0.7 * rng.normal(size=(20_000, 1)) + np.sqrt(0.51) * rng.normal(size=(20_000, 12))
    z[:, 9:] += 3
    p = 2 * stats.norm.sf(np.abs(z))
    adjusted = np.array([holm(row) for row in p])
    false = (adjusted[:, :9] < 0.05).any(axis=1).mean()
    assert false < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 20_000)
    assert (adjusted[:, 9:] < 0.05).sum() > (12 * p[:, 9:] < 0.05).sum()


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_seeds_needed_is_the_first_number_that_suffices():
    for mean, sd, tests in [(1.0, 1.0, 1), (0.3, 1.0, 5), (-0.3, 1.0, 5)]:
        n = seeds_needed(mean, sd, tests)
        reach = [stats.t.ppf(1 - 0.025 / tests, k - 1) * sd / np.sqrt(k) for k in (n - 1, n)]
        assert reach[0] >= abs(mean) > reach[1]
    assert seeds_needed(0.01, 1.0) is None
    assert seeds_needed(0.0, 1.0) is None
