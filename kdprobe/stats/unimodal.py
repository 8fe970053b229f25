"""Curves with one hump: the nearest such curve, and whether the data allow it."""

from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.stats.resampling import RESAMPLES, bootstrap_weights


class Unimodal(NamedTuple):
    """The nearest curves that rise to one size and fall from it."""

    fit: np.ndarray
    """(..., k)."""
    error: np.ndarray
    """(...) weighted sum of squares between curve and fit."""
    mode: np.ndarray
    """(...) index at which the fit is largest; of a plateau, where the curve itself is."""


def unimodal_fit(curves: np.ndarray, weights: np.ndarray | None = None) -> Unimodal:
    """Fit isotonic curves up to each size and down from it, and keep the nearest (Frisén 1986).

    Parameters
    ----------
    curves
        (..., k).
    weights
        (k,) above 0; None weighs all sizes alike.

    Notes
    -----
    The isotonic fit is written as the largest of the smallest averages (Barlow et al. 1972), so that many curves are fitted at once: k⁴
    averages a curve, for curves of at most some tens of sizes.

    Examples
    --------
    >>> unimodal_fit(np.array([0.0, 2.0, 1.0, 3.0, 1.0])).fit.tolist()
    [0.0, 1.5, 1.5, 3.0, 1.0]
    """
    values = np.asarray(curves, dtype=np.float64)
    k = values.shape[-1]
    w = np.ones(k) if weights is None else np.asarray(weights, dtype=np.float64)
    flat = values.reshape(-1, k)
    best, fit = np.full(len(flat), np.inf), flat.copy()
    for mode in range(k):
        up = _isotonic(flat[:, : mode + 1], w[: mode + 1])
        down = _isotonic(flat[:, :mode:-1], w[:mode:-1])[:, ::-1]
        tried = np.concatenate([up, down], axis=1)
        error = (w * (tried - flat) ** 2).sum(axis=1)
        nearer = error < best - 1e-15
        best, fit = np.where(nearer, error, best), np.where(nearer[:, None], tried, fit)
    top = np.asarray(np.isclose(fit, fit.max(axis=1, keepdims=True), rtol=1e-12, atol=0), dtype=bool)
    mode = np.where(top, flat, -np.inf).argmax(axis=1)
    shape = values.shape[:-1]
    return Unimodal(fit.reshape(values.shape), best.reshape(shape), mode.reshape(shape))


class Modality(NamedTuple):
    """Whether a curve of means may have one hump."""

    fit: np.ndarray
    """(k,) the nearest curve with one hump."""
    p: float
    """How often the distance to it would be as large if it were the truth."""
    dip: float
    """Largest depth of a valley, in standard errors of the shallower of its two sides; 0 where the means have one hump."""


def modality(gain: np.ndarray, *, seed: int = 0) -> Modality:
    """Check whether a mean curve has more than one hump.

    The truth of the hypothesis is taken to be the nearest curve with one hump; the bootstrap over units puts noise on it, dependence
    between sizes included. Where every resample comes as far from one hump as the data, one hump is all there is to see.

    Parameters
    ----------
    gain
        (units, sizes), at least 2 units.
    seed
        Of the resamples.

    Raises
    ------
    DataError
        If there are fewer than 2 units.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(modality(rng.normal([0, 1, 0, 1, 0], 0.3, size=(10, 5))).p, 2)
    0.0
    >>> modality(rng.normal([0, 1, 2, 1, 0], 0.3, size=(10, 5))).p
    1.0
    """
    values = np.asarray(gain, dtype=np.float64)
    units, sizes = values.shape
    if units < 2:
        raise DataError(f"gain has {units} units: whether a curve has one hump needs at least 2")
    mean = values.mean(axis=0)
    # a seed that is good at all sizes says nothing of the shape
    spread = np.var(values - values.mean(axis=1, keepdims=True), axis=0, ddof=1)
    # relative to the largest: where nothing varies at all, sizes weigh alike
    relative = spread / spread.max() if spread.max() > 0 else np.ones(sizes)
    weights = 1 / np.maximum(relative, 1e-12)
    weights /= weights.max()
    found = unimodal_fit(mean, weights)
    noise = bootstrap_weights(units, count=RESAMPLES // 2, seed=seed) @ values - mean
    # resamples of n units vary by (n-1)/n too little
    errors = unimodal_fit(found.fit + noise * np.sqrt(units / (units - 1)), weights).error
    # where the means have one hump themselves, rounding alone is left of the distance
    reached = errors >= float(found.error) - 1e-12 * float((weights * mean**2).sum())
    return Modality(found.fit, float((1 + reached.sum()) / (1 + len(errors))), _dip(values) if sizes > 2 else 0.0)


def _dip(values: np.ndarray) -> float:
    units, sizes = values.shape
    differences = values[:, :, None] - values[:, None, :]
    error = differences.std(axis=0, ddof=1) / np.sqrt(units)
    mean = differences.mean(axis=0)
    t = np.divide(mean, error, out=np.where(mean == 0, 0.0, np.sign(mean) * 1e6), where=error > 0)
    depths = [min(t[:valley, valley].max(), t[valley + 1 :, valley].max()) for valley in range(1, sizes - 1)]
    return max(0.0, float(max(depths)))


def _isotonic(curves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Nearest rising curves (b, k)."""
    k = curves.shape[1]
    if k < 2:
        return curves
    heavy = np.concatenate([[0.0], np.cumsum(weights)])
    sums = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(weights * curves, axis=1)], axis=1)
    start = np.arange(k, dtype=np.int64)[:, None]
    end = np.arange(1, k + 1, dtype=np.int64)[None]
    length = np.where(end > start, heavy[end] - heavy[start], 1.0)
    # averages over sizes start..end, infinite where there are none
    average = np.where(end > start, (sums[:, end] - sums[:, start]) / length, np.inf)
    # over all ends from i on the smallest, over all starts up to i the largest
    smallest = np.minimum.accumulate(average[:, :, ::-1], axis=2)[:, :, ::-1]
    return np.stack([smallest[:, : i + 1, i].max(axis=1) for i in range(k)], axis=1)
