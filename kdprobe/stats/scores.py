"""Scores of one model on rows: negative log-likelihood, accuracy, squared error, R², and the temperature that calibrates it."""

import math
from typing import cast

import numpy as np

from kdprobe.core.errors import DataError

TEMPERATURES = (0.02, 50.0)
"""Range of a fitted temperature: all rows right (or none better than chance) would send it to 0 (or infinity)."""


def nll(log_probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row, in nats.

    Parameters
    ----------
    log_probabilities
        (n, c), such as ``log_softmax(logits / temperature)``.
    labels
        (n,) classes 0..c-1.

    Returns
    -------
    np.ndarray
        (n,). Infinite where a model gave its label probability 0.

    Examples
    --------
    >>> nll(np.log([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])).round(4).tolist()
    [0.6931, 0.2877]
    """
    return -log_probabilities[np.arange(len(labels)), labels]


def correct(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether the largest output of each row (n, c) is its label's, as (n,) booleans. Of tied outputs the first counts."""
    return np.argmax(outputs, axis=1) == labels


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose largest output is their label's."""
    return float(correct(outputs, labels).mean())


def squared_error(predictions: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Squared error of each row (n, c), averaged over the c targets: (n,)."""
    return np.mean((predictions - target) ** 2, axis=1)


def r2(predictions: np.ndarray, target: np.ndarray) -> float:
    """Share of the target's variance that predictions (n, c) explain: 1 - Σ(f-y)²/Σ(y-mean y)², summed over rows and targets.

    Raises
    ------
    DataError
        If the target is constant.

    Examples
    --------
    >>> r2(np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]]))
    0.5
    """
    spread = float(np.sum((target - target.mean(axis=0)) ** 2))
    if spread == 0:
        raise DataError("target is constant: R² is undefined, give rows on which it varies")
    return 1 - float(np.sum((predictions - target) ** 2)) / spread


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature that minimises the mean negative log-likelihood of ``logits / temperature`` (Guo et al. 2017, arXiv:1706.04599).

    Fit it on validation rows, never on rows that a probe reads. The loss is convex in 1/T, so the root of its derivative is the minimum;
    it is kept inside `TEMPERATURES`. Logits that are constant in each row fit any temperature, and give 1. About 12 passes over (n, c).

    Parameters
    ----------
    logits
        (n, c).
    labels
        (n,) classes 0..c-1.

    Raises
    ------
    DataError
        If there are no rows.

    Examples
    --------
    >>> logits = np.log([[0.9, 0.1]] * 10)
    >>> round(fit_temperature(logits, np.array([0] * 9 + [1])), 6)  # right nine times of ten, as it says
    1.0
    """
    from scipy.optimize import brentq  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    if len(logits) == 0:
        raise DataError("logits has 0 rows: a temperature needs validation rows")
    # classes along the first axis: sums over a few neighbouring numbers, one row after the other, would take five times as long
    columns = np.array(np.asarray(logits).T, dtype=np.float64, order="C")
    columns -= columns.max(axis=0)
    of_label = float(columns[labels, np.arange(len(labels))].sum())
    if not columns.any():
        return 1.0
    shares = np.empty_like(columns)

    def slope(log_temperature: float) -> float:
        """Derivative of the summed loss by 1/T: the logits expected under the model less those of the labels."""
        np.multiply(columns, math.exp(-log_temperature), out=shares)
        np.exp(shares, out=shares)
        total = shares.sum(axis=0)
        np.multiply(shares, columns, out=shares)
        return float((shares.sum(axis=0) / total).sum()) - of_label

    low, high = math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1])
    # the slope by 1/T rises with 1/T
    if slope(low) <= 0:
        return TEMPERATURES[0]
    if slope(high) >= 0:
        return TEMPERATURES[1]
    root = cast("float", brentq(slope, low, high, xtol=1e-10))
    return math.exp(root)
