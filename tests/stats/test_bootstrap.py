"""The paired bootstrap against scipy's, and its coverage on means and selected maxima."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.result import Refusal
from kdprobe.stats.bootstrap import bootstrap, bootstrap_means, simultaneous


def test_percentiles_agree_with_scipys_paired_bootstrap():
    values = np.random.default_rng(0).normal([0.0, 0.5], 1, size=(30, 2))
    ours = bootstrap(values, lambda means: means[:, 1] / (2 + means[:, 0]), count=20_000)
    theirs = stats.bootstrap(
        (values[:, 0], values[:, 1]), lambda a, b, axis: b.mean(axis) / (2 + a.mean(axis)), paired=True, vectorized=True,
        method="percentile", n_resamples=20_000, rng=np.random.default_rng(1),
    )  # fmt: skip
    np.testing.assert_allclose([ours.low, ours.high], theirs.confidence_interval, atol=0.015)
    assert ours.error == pytest.approx(theirs.standard_error, rel=0.03)


def test_seeds_stay_paired_and_draws_whole():
    values = np.random.default_rng(1).normal(size=(12, 1)) * 100 + np.array([0.0, 1.0])
    assert np.allclose(np.diff(bootstrap_means(values, count=50)), 1.0)
    draws = np.repeat(np.arange(4), 3)
    means = bootstrap_means(np.repeat([0.0, 0.0, 0.0, 1.0], 3)[:, None], draws=draws, count=500)
    assert set(np.round(means[:, 0] * 4, 9)) <= {0.0, 1.0, 2.0, 3.0, 4.0}


def test_coverage_over_draws_where_seeds_of_a_draw_are_alike():
    rng = np.random.default_rng(2)
    draws = np.repeat(np.arange(12), 4)
    covered = {True: 0, False: 0}
    for _ in range(400):
        values = (rng.normal(size=12)[draws] + 0.3 * rng.normal(size=48))[:, None]
        for clustered in covered:
            found = bootstrap(values, lambda means: means[:, 0], draws=draws if clustered else None, count=400)
            covered[clustered] += found.low <= 0 <= found.high
    assert covered[True] / 400 > 0.88, "percentiles of 12 draws are a little narrow, no more"
    assert covered[False] / 400 < 0.8


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("units", [8, 10, 20])
def test_simultaneous_intervals_cover_all_columns(units, skewed):
    rng = np.random.default_rng(3)
    sweeps = 1000
    values = rng.normal(size=(sweeps, units, 5))
    if skewed:
        values = 0.2 * values + 1 - rng.exponential(size=(sweeps, units, 1))
    found = simultaneous(values)
    missed = ((found.low > 0) | (found.high < 0)).any(axis=-1).mean()
    assert missed < 0.05 + (0.02 if skewed else 0) + 3 * np.sqrt(0.05 * 0.95 / sweeps)
    # each one-sided limit alone
    assert (found.upper[:, 0] < 0).mean() < 0.05 + 0.02 + 3 * np.sqrt(0.05 * 0.95 / sweeps)


def test_few_units_take_bonferronis_t():
    values = np.random.default_rng(4).normal(size=(5, 3))
    expected = stats.ttest_1samp(values, 0).confidence_interval(1 - 0.05 / 3)
    found = simultaneous(values)
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-9)
    np.testing.assert_allclose(found.upper, stats.ttest_1samp(values, 0).confidence_interval(0.9).high, rtol=1e-9)
    # without a margin, of the mean being 0 or above
    np.testing.assert_allclose(found.below, stats.ttest_1samp(values, 0, alternative="less").pvalue, rtol=1e-9)
    beyond = simultaneous(values, margin=0.5)
    np.testing.assert_allclose(beyond.below, stats.ttest_1samp(values, 0.5, alternative="less").pvalue, rtol=1e-9)


def test_refusals_say_why():
    few = bootstrap(np.zeros((4, 2)), lambda means: means[:, 0])
    assert isinstance(few, Refusal)
    assert few.reason == "4 units are too few to resample"
    undefined = bootstrap(np.zeros((6, 2)), lambda means: means[:, 0] / np.where(means[:, 1] > 0, 1.0, np.nan))
    assert isinstance(undefined, Refusal)
    assert undefined.reason == "the value is undefined on all units or in a resample of them"
