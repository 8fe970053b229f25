"""Power against statsmodels and simulation."""

import numpy as np
import pytest
from scipy import stats

from kdprobe.stats.power import power, seeds_needed

# statsmodels 0.15.0, TTestPower().power(effect, seeds, level, alternative)
TWO_SIDED = [(1, 20, 1, 0.9885912947787757), (0.5, 34, 1, 0.8077775012792737), (0.5, 20, 8, 0.2377787583118917)]
LARGER = [(1, 20, 1, 0.9961028636343131), (0.5, 34, 1, 0.8868653118499608), (0.3, 50, 2, 0.5476303995925655)]


@pytest.mark.parametrize(("two_sided", "cases"), [(True, TWO_SIDED), (False, LARGER)])
def test_power_agrees_with_statsmodels(two_sided, cases):
    for effect, seeds, tests, expected in cases:
        # statsmodels counts significance in the wrong direction too: 1e-6 or less here
        assert power(effect, seeds, tests=tests, two_sided=two_sided) == pytest.approx(expected, abs=1e-5)


def test_power_is_what_simulated_sweeps_show():
    x = np.random.default_rng(0).normal(0.6, 1, size=(20_000, 15))
    shown = ((stats.ttest_1samp(x, 0, axis=1).pvalue < 0.05) & (x.mean(axis=1) > 0)).mean()
    assert power(0.6, 15) == pytest.approx(shown, abs=0.012)
    assert power(50.0, 100) == 1.0


def test_seeds_needed_is_the_first_number_that_suffices():
    for mean, sd, tests in [(1.0, 1.0, 1), (0.3, 1.0, 5), (-0.3, 1.0, 5)]:
        n = seeds_needed(mean, sd, tests=tests)
        assert n is not None
        assert power(mean / sd, n, tests=tests) >= 0.8 > power(mean / sd, n - 1, tests=tests)
    assert seeds_needed(0.01, 1.0) is None
    assert seeds_needed(0.0, 1.0) is None
    assert seeds_needed(0.0, 0.0) is None
    assert seeds_needed(1.0, 0.0) == seeds_needed(1e6, 1.0) == 2
