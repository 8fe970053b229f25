"""Resamples of paired units: sign flips, bootstrap weights, and Student's t of every column under each of them.

A unit is a paired seed, or a draw of labelled rows where there are several: seeds of one draw share their rows. A unit that has no value
in a column is NaN there: each column has Student's t of the units that it has.
"""

from collections.abc import Iterator

import numpy as np

from kdprobe.core.errors import DataError

EXACT_UNITS = 14
"""Up to here all 2^units sign flips are counted out; above, as many random ones are drawn as would then be needed."""
RESAMPLES = 2000
_CELLS = 4_000_000
"""Most entries of a temporary array."""


def sign_flips(units: int, *, seed: int = 0) -> np.ndarray:
    """Signs (b, units) of a sign-flip test; the first row leaves every sign as it is.

    Parameters
    ----------
    units
        Paired units. Up to 14, all 2^units flips are returned, and the test is exact; above, 10,000 of them are drawn.
    seed
        Of the random flips.

    Examples
    --------
    >>> sign_flips(2).tolist()
    [[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]
    >>> sign_flips(20).shape
    (10000, 20)
    """
    if units <= EXACT_UNITS:
        bits = np.arange(2**units, dtype=np.int64)[:, None] >> np.arange(units, dtype=np.int64)
        return 1.0 - 2.0 * np.asarray(bits & 1, dtype=np.float64)
    flips = np.random.default_rng(seed).integers(0, 2, size=(10_000, units)) * 2.0 - 1.0
    flips[0] = 1.0
    return flips


def bootstrap_weights(units: int, *, count: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Weights (count, units) of bootstrap resamples: how often each unit was drawn, divided by the number of units.

    Examples
    --------
    >>> bootstrap_weights(5).sum(axis=1).round(9).min()
    np.float64(1.0)
    """
    return np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=count) / units


def by_draw(values: np.ndarray, draws: np.ndarray | None) -> np.ndarray:
    """Values (seeds, ...) as units: means of draws where there are several draws, else the seeds themselves.

    Examples
    --------
    >>> by_draw(np.array([1.0, 3.0, 10.0]), np.array([0, 0, 1])).tolist()
    [2.0, 10.0]
    """
    if draws is None or len(np.unique(draws)) < 2:
        return values
    if len(draws) != len(values):
        raise DataError(f"draws has {len(draws)} entries, values {len(values)} seeds: give the draw of each seed")
    return np.stack([values[draws == draw].mean(axis=0) for draw in np.unique(draws)])


def filled(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (..., units, columns) with 0 for NaN, and how many units each column has, (..., 1, columns); at least 1 is counted.

    Examples
    --------
    >>> zeros, count = filled(np.array([[1.0, np.nan], [2.0, 3.0]]))
    >>> zeros.tolist(), count.tolist()
    ([[1.0, 0.0], [2.0, 3.0]], [[2, 1]])
    """
    there = ~np.isnan(values)
    return np.where(there, values, 0.0), np.maximum(there.sum(axis=-2, keepdims=True), 1)


def t_statistic(mean: np.ndarray, square: np.ndarray, units: int | np.ndarray, *, scale: np.ndarray | None = None) -> np.ndarray:
    """Student's t from the mean of the values and of their squares; 0 from fewer than 2 units, which say nothing.

    Without spread, a mean of 0 says nothing (t = 0) and any other everything that a t statistic can say: it is finite all the same,
    so that it sorts. `scale`, by default the mean square itself, sets what counts as spread at all.
    """
    floor = 1e-12 * (square if scale is None else scale) + 1e-300
    units = np.asarray(units, dtype=np.float64)
    variance = np.maximum((square - mean * mean) * units / np.maximum(units - 1, 1), floor)
    return np.where(units > 1, mean / np.sqrt(variance / np.maximum(units, 1)), 0.0)


def flipped_t(values: np.ndarray, flips: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Student's t of each column of (replicas, units, columns) under every sign flip: (replicas, b, columns), part by part."""
    values, count = filled(values)
    square = (values**2).sum(axis=-2, keepdims=True) / count
    for part in _parts(values, len(flips)):
        yield part, t_statistic(flips @ values[part] / count[part], square[part], count[part])


def bootstrapped_t(values: np.ndarray, weights: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Student's t of each column round its own mean in every resample: (replicas, b, columns), part by part.

    The standard error is that of the resample, so that a skewed distribution skews the quantiles as it skews t itself (bootstrap-t).
    """
    units, there = values.shape[-2], ~np.isnan(values)
    whole = bool(there.all())
    values, count = filled(values)
    centred = np.where(there, values - values.sum(axis=-2, keepdims=True) / count, 0.0)
    # what rounding leaves of a column without spread is the same in every unit, and would be shown as an endless t
    spread = (centred**2).sum(axis=-2, keepdims=True) / count
    varies = spread > 1e-28 * (values**2).sum(axis=-2, keepdims=True) / count
    centred, spread = np.where(varies, centred, 0.0), np.where(varies, spread, 0.0)
    for part in _parts(values, len(weights)):
        mean, square = weights @ centred[part], weights @ centred[part] ** 2
        share = np.ones(1) if whole else weights @ np.asarray(there[part], dtype=np.float64)
        # a resample has as many units of a column as it drew; their number times 1 / units is exact to rounding
        drawn = np.maximum(share, 1e-300)
        yield part, t_statistic(mean / drawn, square / drawn, np.rint(share * units), scale=spread[part])


def _parts(values: np.ndarray, resamples: int) -> Iterator[slice]:
    step = max(1, _CELLS // max(1, resamples * values.shape[-1]))
    for start in range(0, len(values), step):
        yield slice(start, start + step)
