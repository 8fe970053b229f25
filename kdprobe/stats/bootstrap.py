"""The paired bootstrap over seeds, clustered by draw: intervals of anything that is a function of mean curves."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kdprobe.core.result import Refusal
from kdprobe.stats.intervals import Interval
from kdprobe.stats.resampling import RESAMPLES, bootstrap_weights, bootstrapped_t, by_draw


def bootstrap_means(values: np.ndarray, *, draws: np.ndarray | None = None, count: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Means over units in bootstrap resamples.

    Parameters
    ----------
    values
        (seeds, k): paired, so that one resample takes the same seeds in all columns.
    draws
        (seeds,) the draw of labelled rows of each seed. With several draws, whole draws are resampled, each counting once.
    count, seed
        Resamples, and the seed of the random generator.

    Returns
    -------
    np.ndarray
        (count, k).

    Examples
    --------
    >>> values = np.array([[1.0, 2.0], [3.0, 5.0], [2.0, 2.0]])
    >>> bootstrap_means(values, count=4).shape
    (4, 2)
    """
    units = by_draw(np.asarray(values, dtype=np.float64), draws)
    return bootstrap_weights(len(units), count=count, seed=seed) @ units


def bootstrap(
    values: np.ndarray,
    function: Callable[[np.ndarray], np.ndarray],
    *,
    draws: np.ndarray | None = None,
    count: int = RESAMPLES,
    seed: int = 0,
) -> Interval | Refusal:
    """95 % percentile interval of a function of the mean curve, everything that it selects reselected in every resample.

    Parameters
    ----------
    values
        (seeds, k).
    function
        Maps mean curves (b, k) to values (b,).
    draws, count, seed
        As in `bootstrap_means`.

    Returns
    -------
    Interval
        A refusal below 5 units, whose resamples are too few to have quantiles, or where the function is not finite.

    Notes
    -----
    Percentiles narrow as resamples of n units do, by √((n-1)/n): 5 % at 10 seeds. For a mean, use Student's t.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal([0.0, 1.0, 0.2], 0.1, size=(10, 3))
    >>> interval = bootstrap(values, lambda means: means[:, 1] - means[:, 0])
    >>> interval.low < 1.0 < interval.high
    True
    """
    values = np.asarray(values, dtype=np.float64)
    units = by_draw(values, draws)
    if len(units) < 5:
        return Refusal(reason=f"{len(units)} units are too few to resample", advice="give at least 5 seeds, or 5 draws")
    estimate = float(function(units.mean(axis=0)[None])[0])
    resampled = function(bootstrap_weights(len(units), count=count, seed=seed) @ units)
    if not (np.isfinite(estimate) and np.isfinite(resampled).all()):
        return Refusal(reason="the value is undefined on all units or in a resample of them", advice="look for a constant curve")
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(estimate, float(min(low, estimate)), float(max(high, estimate)), len(units), float(resampled.std(ddof=1)))


LEAST = 8
"""Fewer units have too few resamples for quantiles of their largest t."""


class Simultaneous(NamedTuple):
    """Means of several columns with 95 % intervals that hold for all of them together, and limits that hold for each alone."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    upper: np.ndarray
    """One-sided 95 % upper limit of each mean alone."""
    error: np.ndarray
    """Standard error of each mean."""
    below: np.ndarray
    """One-sided p value of each mean alone being at the margin or above: below .05 where the limit is below the margin."""


def simultaneous(values: np.ndarray, *, margin: float = 0.0, seed: int = 0) -> Simultaneous:
    """Give simultaneous 95 % intervals of column means by the bootstrap of the largest |t| on either side.

    Parameters
    ----------
    values
        (..., units, k) paired differences; NaN where a unit is missing in a column.
    margin
        What the one-sided p values are of.
    seed
        Of the resamples.

    Notes
    -----
    Below 8 units (of a column, where some miss some) the resamples are too few and Bonferroni's t is taken. From 8 units on, each end is
    the wider of the two limits that the bootstrap and Student's t of one column give: the first follows skewness, the second the tails that
    few units do not show. P values are the larger of the two in the same way.
    """
    from kdprobe.stats.paired import contrast, quantile

    values = np.asarray(values, dtype=np.float64)
    units, columns = values.shape[-2:]
    each = contrast(np.moveaxis(values, -2, -1))
    single = quantile(0.975, each.n) * each.error
    upper = each.mean + quantile(0.95, each.n) * each.error
    low, high = each.interval(tests=columns)
    p = each.below(margin)
    few = np.broadcast_to(np.asarray(each.n) < LEAST, each.mean.shape)
    if few.all():
        return Simultaneous(each.mean, low, high, upper, each.error, p)
    shape = values.shape[:-2]
    stacked = np.where(few[..., None, :], np.nan, values).reshape(-1, units, columns)
    error = np.where(few, 0.0, each.error)
    reached = np.divide(each.mean - margin, error, out=np.zeros_like(each.mean), where=error > 0).reshape(-1, columns)
    below, above = np.empty((2, len(stacked)))
    alone, share = np.empty((2, len(stacked), columns))
    for part, t in bootstrapped_t(stacked, bootstrap_weights(units, seed=seed)):
        below[part] = np.quantile(t.max(axis=-1), 0.975, axis=-1)
        above[part] = np.quantile(-t.min(axis=-1), 0.975, axis=-1)
        alone[part] = np.quantile(-t, 0.95, axis=1)
        share[part] = np.mean(t <= reached[part][:, None], axis=1)
    below, above = below.reshape(*shape, 1), above.reshape(*shape, 1)
    alone, share = alone.reshape(*shape, columns), share.reshape(*shape, columns)
    return Simultaneous(
        each.mean,
        np.where(few, low, each.mean - np.maximum(below * error, single)),
        np.where(few, high, each.mean + np.maximum(above * error, single)),
        np.maximum(upper, each.mean + alone * error),
        each.error,
        np.where(error > 0, np.maximum(p, share), p),
    )
