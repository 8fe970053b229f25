"""TOST against statsmodels, scipy's one-sided t tests, and its level at the margin."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.stats.equivalence import tost


def test_it_agrees_with_statsmodels():
    # statsmodels 0.15.0, ttost_paired(d, 0, -.2, .2)
    assert tost(np.array([0.1, -0.2, 0.0, 0.1, -0.1, 0.05, -0.05, 0.1]), 0.2).p == pytest.approx(0.0006741963321045817, rel=1e-10)


def test_it_is_two_one_sided_t_tests():
    d = np.random.default_rng(0).normal(0.1, 0.5, size=15)
    found = tost(d, 0.4)
    sides = [stats.ttest_1samp(d, -0.4, alternative="greater").pvalue, stats.ttest_1samp(d, 0.4, alternative="less").pvalue]
    assert found.p == pytest.approx(max(sides), rel=1e-9)
    np.testing.assert_allclose([found.low, found.high], stats.ttest_1samp(d, 0).confidence_interval(0.9), rtol=1e-9)
    assert (found.p < 0.05) == (found.low > -0.4 and found.high < 0.4)


@pytest.mark.parametrize("true", [0.5, -0.5])
def test_the_level_at_the_margin_and_the_power_at_zero(true):
    rng = np.random.default_rng(1)
    at_margin = np.mean([tost(rng.normal(true, 1, size=50), 0.5).p < 0.05 for _ in range(2000)])
    assert at_margin < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert np.mean([tost(rng.normal(0, 1, size=50), 0.5).p < 0.05 for _ in range(300)]) > 0.85


def test_draws_are_the_units():
    draws = np.repeat(np.arange(6), 5)
    values = np.random.default_rng(2).normal(size=6)[draws]
    assert tost(values, 2.0, draws=draws) == pytest.approx(tost(values[::5], 2.0), rel=1e-12)


def test_without_spread():
    assert tost(np.full(5, 0.1), 0.2).p == 0.0
    assert tost(np.full(5, 0.3), 0.2).p == 1.0


def test_refusal_and_error():
    found = tost(np.array([0.1]), 0.2)
    assert isinstance(found, Refusal)
    assert found.reason == "1 row cannot give an interval"
    with pytest.raises(DataError, match="margin=0: equivalence needs one above 0"):
        tost(np.zeros(5), 0.0)
