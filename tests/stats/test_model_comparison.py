"""Shapes of curves: the left-out error by hand, and the true shape found."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from kdprobe.core.errors import DataError
from kdprobe.stats.model_comparison import SHAPES, compare_models

X = np.arange(8.0)
RNG = np.random.default_rng(0)


def test_left_out_errors_are_the_loops():
    gain = RNG.normal(size=(6, 8)) + 0.3 * X
    errors = []
    for seed in range(6):
        rest, own = np.delete(gain, seed, axis=0).mean(axis=0), gain[seed]
        fit = np.polyval(np.polyfit(X, rest, 1), X)
        errors.append(np.mean(((own - own.mean()) - (fit - fit.mean())) ** 2))
    found = {score.name: score for score in compare_models(X, gain)}
    assert found["linear"].error == pytest.approx(np.mean(errors), rel=1e-9)


def test_the_saturating_curve_is_scipys():
    means = 1 - 0.8 * 2 ** (-X / 1.7) + 0.02 * RNG.normal(size=8)
    fitted = SHAPES["saturating"](X, means[None])[0]
    best, _ = curve_fit(lambda x, a, b, s: a - b * 2 ** (-x / s), X, means, p0=(1, 1, 2))
    expected = best[0] - best[1] * 2 ** (-X / best[2])
    assert ((fitted - means) ** 2).sum() <= 1.1 * ((expected - means) ** 2).sum()


@pytest.mark.parametrize(
    ("truth", "names"),
    [
        (0 * X, {"flat"}),
        (0.25 * X, {"linear"}),
        (2 - 2 * 2 ** (-X / 1.2), {"saturating"}),
        (-0.15 * (X - 3) ** 2, {"local quadratic"}),
        (np.where(X < 3, 0.0, np.where(X < 5, 1.5, -0.5)), {"unimodal"}),
    ],
)
def test_the_true_shape_predicts_best(truth, names):
    rng = np.random.default_rng(1)
    wins = [compare_models(X, truth + 0.4 * rng.normal(size=(20, 8)) + rng.normal(size=(20, 1)))[0].name for _ in range(60)]
    assert np.mean([name in names for name in wins]) > 0.6


def test_a_law_that_is_true_beats_whatever_is_fitted():
    law = np.sin(3 * X)
    gain = law + 3 + 0.6 * np.random.default_rng(3).normal(size=(12, 8))
    scores = compare_models(X, gain, law=law)
    assert scores[0].name == "law"
    assert scores[0].behind.value == scores[0].behind.high == 0
    wrong = {score.name: score for score in compare_models(X, gain, law=-law)}
    assert wrong["law"].behind.low > 0


def test_draws_are_left_out_whole():
    draws = np.repeat(np.arange(5), 3)
    gain = np.random.default_rng(2).normal(size=(5, 8))
    whole, alone = (
        [(score.name, score.error, *score.behind) for score in compare_models(X, values, draws=given)]
        for values, given in ((gain[draws], draws), (gain, None))
    )
    for one, other in zip(whole, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-12)


def test_errors_say_what_to_do():
    with pytest.raises(DataError, match=r"gain has \(2, 8\) units × sizes for 8 positions: give at least 3 units and 4 sizes"):
        compare_models(X, np.zeros((2, 8)))
