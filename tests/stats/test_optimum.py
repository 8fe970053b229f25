"""Optima between sizes: exact on their own shapes, and intervals that cover on shapes that are not theirs."""

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.stats.optimum import local_maximum, optimum, quartic_maximum

X = np.arange(9.0)


def test_a_quadratic_is_located_exactly_also_on_uneven_sizes():
    x = np.array([0.0, 1.0, 1.5, 3.0, 4.0, 6.0, 7.0])
    for peak in (1.2, 2.9, 5.5):
        assert local_maximum(x)(-((x - peak) ** 2)[None])[0] == pytest.approx(peak, abs=1e-9)


def test_the_vertex_is_numpys():
    means = np.random.default_rng(0).normal(size=(50, 9)) - 0.3 * (X - 4) ** 2
    for curve, place in zip(means, local_maximum(X)(means), strict=True):
        centre = int(np.clip(curve.argmax(), 2, 6))
        a, b, _ = np.polyfit(X[centre - 2 : centre + 3], curve[centre - 2 : centre + 3], 2)
        best = curve.argmax()
        assert place == pytest.approx(np.clip(-b / (2 * a), max(best - 1, 0), min(best + 1, 8)) if a < 0 else best, abs=1e-8)


def test_a_quartic_is_located_on_its_grid():
    curve = -0.02 * (X - 2) ** 4 - 0.1 * (X - 5) ** 2
    fine = np.linspace(0, 8, 100_001)
    expected = fine[(-0.02 * (fine - 2) ** 4 - 0.1 * (fine - 5) ** 2).argmax()]
    assert quartic_maximum(X)(curve[None])[0] == pytest.approx(expected, abs=0.011)


def test_a_curve_that_only_rises_ends_at_its_edge():
    found = optimum(X, np.arange(9.0) ** 2 + np.random.default_rng(1).normal(0, 0.1, size=(10, 9)))
    assert [way.value for way in found] == pytest.approx([8.0, 8.0, 8.0])


@pytest.mark.parametrize("shape", ["quadratic", "sharp"])
def test_intervals_cover(shape):
    truth = -0.075 * (X - 3.3) ** 2 if shape == "quadratic" else -0.5 * np.abs(X - 3.3) ** 1.5
    rng = np.random.default_rng(2)
    covered = np.zeros(2)
    for _ in range(100):
        found = optimum(X, truth + np.sqrt(0.5) * rng.normal(size=(20, 9)))
        covered += [way.low <= 3.3 <= way.high for way in (found.local, found.quartic)]
    assert (covered / 100 > 0.87).all()


def test_a_global_quadratic_does_not_cover_an_asymmetric_curve():
    """Why it is not offered: its interval shrinks round a point that is not the optimum."""
    truth = 2 * (np.exp(-0.15 * X) - np.exp(-1.2 * X))
    peak = np.linspace(0, 8, 8001)[(np.exp(-0.15 * np.linspace(0, 8, 8001)) - np.exp(-1.2 * np.linspace(0, 8, 8001))).argmax()]
    gain = truth + 0.3 * np.random.default_rng(3).normal(size=(20, 9))
    fits = np.array([np.polyfit(X, gain[np.random.default_rng(i).integers(0, 20, 20)].mean(axis=0), 2) for i in range(400)])
    low = np.quantile(-fits[:, 1] / (2 * fits[:, 0]), 0.025)
    assert low > peak + 1
    assert optimum(X, gain).best.low <= np.round(peak)


def test_refusals_and_errors():
    assert isinstance(optimum(X, np.zeros((4, 9))).local, Refusal)
    quartic = optimum(X[:5], np.random.default_rng(4).normal(size=(8, 5))).quartic
    assert isinstance(quartic, Refusal)
    assert quartic.reason == "a quartic through 5 sizes has no freedom left"
    with pytest.raises(DataError, match=r"x=\[0.0, 1.0, 1.0\]: give at least 3 ascending positions"):
        optimum(np.array([0.0, 1.0, 1.0]), np.zeros((8, 3)))
