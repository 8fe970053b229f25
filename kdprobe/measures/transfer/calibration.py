"""Whether a student is over-confident where its teacher is: debiased calibration error."""

import numpy as np
from scipy.special import ndtr

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.measures.rows import confidence, top
from kdprobe.measures.traces import (
    NO_TARGET,
    beside_target,
    blocks,
    check_labels,
    check_paired,
    check_same_outputs,
    measured,
    two_classes,
)
from kdprobe.stats.intervals import jackknife

BINS = 15
ROWS_A_BIN = 20
"""Fewer rows have fewer bins."""
LEAST, MOST = -0.5, 2.0
"""What the value can be: over-confidence lies between -1 and 1, and of so few rows the mean of |noise| is below .5."""


def calibration_distance(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """Mean distance between the two models' over-confidence, in bins of the teacher's confidence, debiased.

    Over-confidence is the probability that a model gives to the class it names, less whether that is right. ``details`` hold the debiased
    calibration error of each model in bins of its own confidence.

    Notes
    -----
    A mean of |noise| is above 0 where nothing is: each bin's expected share of that, were its difference the truth, is taken off (Kumar,
    Liang and Ma 2019, in closed form). So the value can lie below 0 by chance. One such step leaves 2 - √2 of the noise where nothing is,
    and hardly any of it where a difference is beyond the noise.
    """
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    if refusal := two_classes(student):
        return refusal
    labels = check_labels(target, student)
    if student.n < ROWS_A_BIN:
        return Refusal(reason=f"{student.n} rows are too few to tell over-confidence", advice=f"give at least {ROWS_A_BIN} rows")
    over = [beside_target(model, "over-confidence", labels, lambda trace: _over_confidence(trace, labels)) for model in (student, teacher)]
    rows = debiased_distances(over[0][0] - over[1][0], teacher.derived("confidence bins", _bins))
    interval = jackknife(rows, blocks=blocks(student))
    if isinstance(interval, Refusal):
        return interval
    interval = interval._replace(low=max(interval.low, LEAST), high=min(interval.high, MOST))
    return measured(interval, details={"ece_student": over[0][1], "ece_teacher": over[1][1]})


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance between confidence and accuracy, in 15 bins of equally many rows by confidence, debiased.

    Parameters
    ----------
    probabilities
        (n, c), one row or more.
    labels
        (n,) classes 0..c-1.

    Returns
    -------
    float
        Share of rows. Where nothing is wrong it lies about 0, so that by chance it may be below (see `calibration_distance`). O(n log n).

    Examples
    --------
    >>> sure = np.array([[0.9, 0.1]] * 1000)
    >>> round(calibration_error(sure, np.arange(1000) % 2), 2)  # half are right where nine in ten should be
    0.4
    """
    confidence = probabilities.max(axis=1)
    gaps = confidence - (probabilities.argmax(axis=1) == labels)
    return float(debiased_distances(gaps, _bins_of(confidence)).mean())


def debiased_distances(gaps: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """What each row (n,) adds to the mean over the bins of |mean gap|, debiased: its own share of the value and of its error.

    Notes
    -----
    The mean of the result is Σ_b w_b (2|μ_b| - E|N(μ_b, s_b)|), s_b the standard error of a bin's mean; a row's deviation from its bin's
    mean counts by the slope there, so that the spread of the result is the value's error to first order.
    """
    counts = np.maximum(np.bincount(bins), 1)
    mean = np.bincount(bins, weights=gaps) / counts
    apart = gaps - mean[bins]
    error = np.sqrt(np.bincount(bins, weights=apart**2) / np.maximum(counts - 1, 1) / counts)
    z = np.divide(mean, error, out=np.where(mean >= 0, np.inf, -np.inf), where=error > 0)
    noisy = error * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + mean * (2 * ndtr(z) - 1)
    slope = 2 * np.sign(mean) - (2 * ndtr(z) - 1)
    return (2 * np.abs(mean) - noisy)[bins] + slope[bins] * apart


def _over_confidence(trace: Trace, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Of each row (n,), and the model's own debiased calibration error."""
    gaps = confidence(trace) - (top(trace) == labels)
    return gaps, float(debiased_distances(gaps, trace.derived("confidence bins", _bins)).mean())


def _bins(trace: Trace) -> np.ndarray:
    return _bins_of(confidence(trace))


def _bins_of(confidence: np.ndarray) -> np.ndarray:
    """Bins (n,) of equally many rows by confidence; equal confidence is one bin's, so that no order of rows matters."""
    count = min(BINS, max(1, len(confidence) // ROWS_A_BIN))
    edges = np.quantile(confidence, np.arange(1, count) / count) if count > 1 else np.empty(0)
    return np.searchsorted(np.unique(edges), confidence, side="right")
