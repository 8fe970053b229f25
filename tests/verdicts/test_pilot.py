"""Advice from a few seeds: its probabilities against the posterior by brute force, and against worlds with known truth."""

import itertools

import numpy as np
import pytest
from scipy import stats

from benchmarks.gap_worlds import pilot_worlds
from kdprobe.core.errors import DataError
from kdprobe.verdicts.pilot import HEIGHTS, SMOOTHNESS, advise


def by_brute_force(gain, draws, rng):
    """P(best) by drawing noise, smoothness and height from the prior and weighting curves by their likelihood: no algebra."""
    sizes = gain.shape[1]
    places = np.arange(sizes)
    centre = np.eye(sizes) - 1 / sizes
    contrasts = np.linalg.qr(centre[:, : sizes - 1])[0]
    data = gain @ contrasts
    each, total = np.zeros(sizes), 0.0
    for smooth, height in itertools.product(SMOOTHNESS, HEIGHTS):
        kernel = height * np.exp(-0.5 * ((places[:, None] - places) / smooth) ** 2) + 1e-9 * np.eye(sizes)
        # noise variance on a grid, uniform in its logarithm (Jeffreys)
        for variance in np.exp(np.linspace(-7, 3, 60)):
            curves = rng.multivariate_normal(np.zeros(sizes), variance * kernel, size=draws)
            fit = stats.norm.logpdf(data[None], (curves @ contrasts)[:, None], np.sqrt(variance)).sum(axis=(1, 2))
            weights = np.exp(fit)
            total += weights.sum()
            each += np.bincount(curves.argmax(axis=1), weights=weights, minlength=sizes)
    return each / total


def test_probabilities_are_the_posterior():
    rng = np.random.default_rng(0)
    gain = np.array([0.0, 0.6, 0.9, 0.4]) + 0.5 * rng.normal(size=(2, 4)) + rng.normal(size=(2, 1))
    np.testing.assert_allclose(advise(gain).each, by_brute_force(gain, 3000, rng), atol=0.04)


def test_it_names_half_of_the_sizes_and_says_how_sure_it_is():
    gain = np.array([0, 1, 3, 2, 0, -1.0]) + 0.1 * np.random.default_rng(0).normal(size=(2, 6))
    found = advise(gain)
    assert found.named == (1, 2, 3)
    assert found.holds > 0.95
    assert found.each.sum() == pytest.approx(1)
    assert len(advise(gain[:, :5]).named) == 2
    assert len(advise(gain[:, :3]).named) == 1


def test_levels_of_seeds_and_units_change_nothing():
    gain = np.random.default_rng(1).normal(size=(3, 6))
    first = advise(gain).each
    np.testing.assert_allclose(advise(gain + np.array([[5.0], [-3.0], [40.0]])).each, first, atol=0.01)
    np.testing.assert_allclose(advise(1e-6 * gain).each, first, atol=0.01)
    np.testing.assert_allclose(advise(gain[:, ::-1]).each[::-1], first, atol=0.04)


def test_without_any_difference_nothing_is_preferred():
    found = advise(np.ones((2, 6)))
    assert np.isfinite(found.each).all()
    assert found.each.max() < 0.5


@pytest.mark.parametrize("gain", [np.zeros((1, 5)), np.zeros((3, 1)), np.zeros(4), np.full((2, 4), np.nan)])
def test_what_is_no_pilot_is_refused(gain):
    with pytest.raises(DataError, match=r"a pilot needs|holds NaN"):
        advise(gain)


@pytest.mark.slow
def test_two_seeds_name_the_best_in_four_worlds_of_five():
    """Fifty and more worlds of 1 and 2 sd; more sweeps of each are in benchmarks/calibration.py."""
    rng, hits, promised = np.random.default_rng(2), [], []
    worlds = pilot_worlds()
    assert len(worlds) >= 50
    for world in worlds:
        gain, _ = world.draw(rng, 12, 2)
        found = [advise(sweep) for sweep in gain]
        hits += [int(world.gains.argmax()) in advice.named for advice in found]
        promised += [advice.holds for advice in found]
    assert np.mean(hits) > 0.85
    # and what it promises is what it keeps, or less
    assert np.mean(promised) == pytest.approx(np.mean(hits), abs=0.12)
