"""Scores against scikit-learn and scipy."""

import numpy as np
import pytest

from kdprobe.core.errors import DataError
from kdprobe.core.trace import log_softmax, softmax
from kdprobe.stats.scores import TEMPERATURES, accuracy, fit_temperature, nll, r2, squared_error


def drawn(temperature, n=3000, c=5, seed=0):
    """Logits whose labels are drawn from softmax(logits / temperature)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, size=(n, c))
    labels = (softmax(logits / temperature).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return logits, labels


def test_scores_agree_with_scikit_learn():
    from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

    logits, labels = drawn(1.0)
    assert nll(log_softmax(logits), labels).mean() == pytest.approx(log_loss(labels, softmax(logits)), rel=1e-12)
    assert accuracy(logits, labels) == accuracy_score(labels, logits.argmax(axis=1))
    y, f = np.random.default_rng(1).normal(size=(2, 50, 3))
    assert squared_error(f, y).mean() == pytest.approx(mean_squared_error(y, f), rel=1e-12)
    assert r2(f[:, :1], y[:, :1]) == pytest.approx(r2_score(y[:, :1], f[:, :1]), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7, 8.0])
def test_temperature_is_the_minimum_that_scipy_finds_and_near_the_truth(temperature):
    from scipy.optimize import minimize_scalar

    logits, labels = drawn(temperature)
    ours = fit_temperature(logits, labels)
    oracle = minimize_scalar(
        lambda log_t: nll(log_softmax(logits / np.exp(log_t)), labels).mean(), bounds=(-3, 4), method="bounded", options={"xatol": 1e-9}
    )
    assert ours == pytest.approx(float(np.exp(oracle.x)), rel=1e-5)
    assert ours == pytest.approx(temperature, rel=0.15)


def test_temperature_scales_with_the_logits_and_ignores_a_shift_of_each_row():
    logits, labels = drawn(1.5)
    ours = fit_temperature(logits, labels)
    assert fit_temperature(2 * logits, labels) == pytest.approx(2 * ours, rel=1e-8)
    assert fit_temperature(logits + np.random.default_rng(2).normal(size=(len(logits), 1)), labels) == pytest.approx(ours, rel=1e-8)


def test_temperature_has_ends():
    logits = np.array([[3.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    assert fit_temperature(logits, np.array([0, 1, 0])) == TEMPERATURES[0]  # all right
    assert fit_temperature(logits, np.array([1, 0, 1])) == TEMPERATURES[1]  # all wrong
    assert fit_temperature(np.ones((3, 2)), np.array([0, 1, 0])) == 1.0  # nothing to scale
    assert fit_temperature(1e300 * logits, np.array([0, 0, 0])) == TEMPERATURES[1]


def test_errors_say_what_to_do():
    with pytest.raises(DataError, match="logits has 0 rows: a temperature needs validation rows"):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=int))
    with pytest.raises(DataError, match="target is constant: R² is undefined, give rows on which it varies"):
        r2(np.zeros((3, 1)), np.ones((3, 1)))
