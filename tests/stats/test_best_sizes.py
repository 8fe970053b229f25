"""Hsu's set: coverage of the truly best size, and how short the set is. Larger simulations are in benchmarks/calibration.py."""

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.stats.best_sizes import best_sizes

HUMP = np.array([-0.05, 0.13, 0.09, 0.07, 0.02, -0.02])


def curves(truth, *, sweeps, seeds, noise=0.02, rng=0):
    """Gains with a common effect of the seed, which pairing removes."""
    rng = np.random.default_rng(rng)
    shape = (sweeps, seeds, len(truth))
    return np.asarray(truth) + 0.03 * rng.normal(size=(sweeps, seeds, 1)) + noise * rng.normal(size=shape)


@pytest.mark.parametrize("truth", [np.zeros(6), HUMP, [0.0, 0.1, 0.1, 0.1, 0.0, 0.0]])
@pytest.mark.parametrize("seeds", [5, 10])
def test_the_set_holds_the_best(truth, seeds):
    sets = best_sizes(curves(truth, sweeps=800, seeds=seeds))
    best = int(np.argmax(truth))
    assert sets[:, best].mean() >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 800)


def test_the_set_is_short_where_it_can_be():
    assert np.median(best_sizes(curves(HUMP, sweeps=300, seeds=10)).sum(axis=1)) <= 2


def test_two_sizes_are_the_studentised_bootstrap_of_their_difference():
    """With two sizes the set leaves one out exactly where the one-sided bootstrap-t of the paired difference does."""
    gain = np.random.default_rng(1).normal([0.0, 0.4], 0.6, size=(40, 12, 2))
    rng = np.random.default_rng(2)
    agreed = 0
    for one in gain:
        d = one[:, 1] - one[:, 0]
        t = d.mean() / (d.std(ddof=1) / np.sqrt(12))
        resampled = rng.choice(d, size=(4000, 12))
        below = (resampled.mean(axis=1) - d.mean()) / (resampled.std(axis=1, ddof=1) / np.sqrt(12))
        agreed += best_sizes(one).tolist() == [t <= np.quantile(below, 0.95), -t <= np.quantile(-below, 0.95)]
    assert agreed >= 37, "all but borderline ones: the resamples differ"


def test_equal_curves_all_stay_and_the_best_mean_always_does():
    assert best_sizes(np.tile(np.arange(10.0)[:, None], (1, 4))).all()
    sets = best_sizes(curves(HUMP, sweeps=50, seeds=8, rng=3))
    best = curves(HUMP, sweeps=50, seeds=8, rng=3).mean(axis=1).argmax(axis=1)
    assert sets[np.arange(50), best].all()


def test_errors_say_what_to_do():
    with pytest.raises(DataError, match=r"gain has shape \(5, 1\): give \(units, sizes\) with at least 2 of each"):
        best_sizes(np.zeros((5, 1)))


@pytest.mark.parametrize("seeds", [3, 10])
def test_rounding_is_no_difference_and_a_difference_without_spread_is_one(seeds):
    equal = np.tile([0.1 + 0.2, 0.3, 0.3], (seeds, 1))
    assert best_sizes(equal).tolist() == [True, True, True]
    # 0.13 - 0.02 and the like leave rounding in every unit alike
    assert best_sizes(np.tile([0.1, 0.13, 0.02], (seeds, 1))).tolist() == [False, True, False]
