"""Spearman's partial correlation of units that come in clusters."""

import numpy as np
from scipy.stats import rankdata  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from kdprobe.stats.intervals import Interval
from kdprobe.stats.resampling import RESAMPLES


def partial_rank(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> float | None:
    """Spearman's correlation of x and y given a third: Pearson's partial correlation of their ranks; None where one does not vary.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> common = rng.normal(size=500)
    >>> x, y = common + rng.normal(size=(2, 500))
    >>> round(partial_rank(x, y, rng.normal(size=500)), 1), abs(partial_rank(x, y, common)) < 0.1
    (0.5, True)
    """
    found = float(_partial(*(np.asarray(values, dtype=np.float64).reshape(1, -1) for values in (x, y, given)))[0])
    return found if np.isfinite(found) else None


def _partial(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Of each row of (b, n) each: (b,), NaN where something does not vary, or the third tells one of them outright."""
    centred = [ranks - ranks.mean(axis=1, keepdims=True) for ranks in (rankdata(values, axis=1) for values in (x, y, given))]
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = [ranks / np.sqrt(np.einsum("bn,bn->b", ranks, ranks))[:, None] for ranks in centred]
        xy, xz, yz = (np.einsum("bn,bn->b", unit[i], unit[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
        room = (1 - xz**2) * (1 - yz**2)
        return np.where(room > 1e-12, np.clip((xy - xz * yz) / np.sqrt(room), -1.0, 1.0), np.nan)


def clustered_partial_rank(x: np.ndarray, y: np.ndarray, given: np.ndarray, *, count: int = RESAMPLES, seed: int = 0) -> Interval | None:
    """The same of (clusters, units) each, with a 95 % percentile interval that resamples whole clusters; None where it is undefined.

    Examples
    --------
    >>> x, y, z = np.random.default_rng(0).normal(size=(3, 10, 6))
    >>> found = clustered_partial_rank(x, x + y, z, count=200)
    >>> found.low > 0.4
    True
    """
    value = partial_rank(x, y, given)
    if value is None:
        return None
    clusters = np.random.default_rng(seed).integers(0, len(x), size=(count, len(x)))
    drawn = _partial(*(np.asarray(values, dtype=np.float64)[clusters].reshape(count, -1) for values in (x, y, given)))
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < 0.9 * count:
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value, float(min(low, value)), float(max(high, value)), len(x), float(np.std(drawn, ddof=1)))
