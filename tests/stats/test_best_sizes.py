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


@pytest.mark.parametrize("best", range(6))
@pytest.mark.parametrize("seeds", [5, 12])
def test_the_best_is_found_wherever_it_is(best, seeds):
    """A sign turned round would keep the sizes that are beaten: it shows only where the best is neither first nor second of a pair."""
    truth = np.where(np.arange(6) == best, 1.0, np.linspace(0.0, 0.3, 6))
    sets = best_sizes(curves(truth, sweeps=40, seeds=seeds))
    assert sets[:, best].all()
    assert sets.sum(axis=1).max() == 1


def test_sizes_are_compared_by_the_seeds_that_have_both():
    """Two sizes, of which each lacks seeds: the same as those that have both, but for the best mean, which always stays."""
    gain = curves([0.0, 0.03], sweeps=1, seeds=14)[0]
    holes = gain.copy()
    holes[:2, 0], holes[12:, 1] = np.nan, np.nan
    assert best_sizes(holes).tolist() == best_sizes(gain[2:12]).tolist()
    # every seed lacks one of twelve sizes, so that none is whole, and the best is found all the same
    truth = np.where(np.arange(12) == 7, 0.2, 0.0)
    wide = curves(truth, sweeps=1, seeds=12)[0]
    wide[np.arange(12), np.arange(12)] = np.nan
    assert best_sizes(wide).tolist() == (truth > 0).tolist()
    wide[:, 0] = np.nan
    assert best_sizes(wide).tolist() == [True, *(truth > 0).tolist()[1:]]


@pytest.mark.parametrize("truth", [np.zeros(6), HUMP])
def test_the_set_holds_the_best_where_runs_are_missing(truth):
    gain = curves(truth, sweeps=500, seeds=12)
    gain[np.random.default_rng(1).random(gain.shape) < 0.15] = np.nan
    assert best_sizes(gain)[:, int(np.argmax(truth))].mean() >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 500)
