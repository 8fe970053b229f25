"""Unimodal fits against scikit-learn's isotonic regression and a quadratic programme; the check's level and power."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.isotonic import isotonic_regression

from kdprobe.core.errors import DataError
from kdprobe.stats.resampling import bootstrap_weights
from kdprobe.stats.unimodal import modality, unimodal_fit

X = np.arange(9.0)
ONE_HUMP = {"flat": 0 * X, "hump": -0.075 * (X - 3) ** 2, "falling": -0.3 * X, "plateau": -1.0 * (X < 2) - 0.5 * (X > 6)}
TWO_HUMPS = np.array([0, 0.5, 1, 0.5, 0, 0.5, 1, 0.5, 0])


def by_scikit_learn(curve, weights):
    """Best split into a rising and a falling part."""
    fits = []
    for mode in range(len(curve)):
        up = isotonic_regression(curve[: mode + 1], sample_weight=weights[: mode + 1])
        down = isotonic_regression(curve[mode + 1 :], sample_weight=weights[mode + 1 :], increasing=False) if mode + 1 < len(curve) else []
        fits.append(np.concatenate([up, down]))
    return min(fits, key=lambda fit: (weights * (fit - curve) ** 2).sum())


def test_fits_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    curves, weights = rng.normal(size=(60, 7)), rng.uniform(0.5, 2, size=7)
    found = unimodal_fit(curves, weights)
    expected = np.array([by_scikit_learn(curve, weights) for curve in curves])
    np.testing.assert_allclose(found.error, (weights * (expected - curves) ** 2).sum(axis=1), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.fit, expected, atol=1e-9)


def test_no_curve_with_one_hump_is_nearer():
    curve = np.random.default_rng(1).normal(size=5)
    best = np.inf
    for mode in range(5):
        signs = np.where(np.arange(4) < mode, 1.0, -1.0)
        found = minimize(
            lambda f: ((f - curve) ** 2).sum(),
            np.zeros(5),
            method="SLSQP",
            constraints={"type": "ineq", "fun": lambda f, s=signs: s * np.diff(f)},
        )
        best = min(best, found.fun)
    assert unimodal_fit(curve).error == pytest.approx(best, abs=1e-6)


def test_a_curve_with_one_hump_is_its_own_fit():
    curve = np.array([0.0, 1.0, 3.0, 3.0, 2.0, -1.0])
    found = unimodal_fit(curve)
    np.testing.assert_array_equal(found.fit, curve)
    assert (found.error, found.mode) == (0.0, 2)


@pytest.mark.parametrize("shape", ONE_HUMP)
@pytest.mark.parametrize("seeds", [10, 20])
def test_one_hump_is_rarely_called_two(shape, seeds):
    rng = np.random.default_rng(2)
    p = [modality(ONE_HUMP[shape] + 0.7 * rng.normal(size=(seeds, 9)) + rng.normal(size=(seeds, 1))).p for _ in range(60)]
    assert np.mean(np.array(p) < 0.05) < 0.07 + 2.5 * np.sqrt(0.07 * 0.93 / 60)


def test_p_is_counted_from_the_resamples_by_scikit_learn():
    """The distance of every resample to its nearest curve with one hump, as far from the nearest one to the means as the means are."""
    gain = 0.4 * TWO_HUMPS[:6] + np.random.default_rng(5).normal(0, 0.3, size=(8, 6))
    spread = (gain - gain.mean(axis=1, keepdims=True)).var(axis=0, ddof=1)
    weights = spread.min() / spread

    def distance(curve):
        fit = by_scikit_learn(curve, weights)
        return (weights * (fit - curve) ** 2).sum(), fit

    own, fit = distance(gain.mean(axis=0))
    noise = (bootstrap_weights(8, count=1000) @ gain - gain.mean(axis=0)) * np.sqrt(8 / 7)
    reached = sum(distance(fit + one)[0] >= own for one in noise)
    found = modality(gain)
    assert 0.02 < found.p < 0.9
    assert found.p == pytest.approx((1 + reached) / 1001, abs=0.002)


def test_two_humps_are_seen():
    rng = np.random.default_rng(3)
    found = [modality(TWO_HUMPS + 0.7 * rng.normal(size=(20, 9))) for _ in range(50)]
    assert np.mean([one.p < 0.05 for one in found]) > 0.9
    assert np.mean([one.dip > 1 for one in found]) > 0.98


def test_the_dip_is_the_shallower_side_of_the_deepest_valley():
    gain = np.array([[0.0, 3.0, 1.0, 2.0], [0.0, 3.2, 1.0, 2.4], [0.0, 3.1, 1.0, 1.9], [0.0, 2.9, 1.0, 2.1]])
    side = gain[:, 3] - gain[:, 2]
    assert modality(gain).dip == pytest.approx(side.mean() / (side.std(ddof=1) / 2), rel=1e-9)
    assert modality(gain[:, :3]).dip == 0.0


def test_too_few_units():
    with pytest.raises(DataError, match="gain has 1 units: whether a curve has one hump needs at least 2"):
        modality(np.zeros((1, 5)))


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1.0])
def test_a_curve_without_spread_has_one_hump_and_no_warning(scale):
    found = modality(np.full((10, 4), scale))
    assert (found.p, found.dip) == (1.0, 0.0)
    assert np.allclose(found.fit, scale)
