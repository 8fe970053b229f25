"""Resamples of paired units: sign flips, bootstrap weights, and Student's t of every column under each of them.

A unit is a paired seed, or a draw of labelled rows where there are several: seeds of one draw share their rows.
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


def t_statistic(mean: np.ndarray, square: np.ndarray, units: int, *, scale: np.ndarray | None = None) -> np.ndarray:
    """Student's t from the mean of the values and of their squares.

    Without spread, a mean of 0 says nothing (t = 0) and any other everything that a t statistic can say: it is finite all the same,
    so that it sorts. `scale`, by default the mean square itself, sets what counts as spread at all.
    """
    floor = 1e-12 * (square if scale is None else scale) + 1e-300
    variance = np.maximum((square - mean * mean) * units / (units - 1), floor)
    return mean / np.sqrt(variance / units)


def flipped_t(values: np.ndarray, flips: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Student's t of each column of (replicas, units, columns) under every sign flip: (replicas, b, columns), part by part."""
    units = values.shape[-2]
    square = np.mean(values**2, axis=-2)
    for part in _parts(values, len(flips)):
        mean = (flips / units) @ values[part]
        yield part, t_statistic(mean, square[part][:, None], units)


def bootstrapped_t(values: np.ndarray, weights: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Student's t of each column round its own mean in every resample: (replicas, b, columns), part by part.

    The standard error is that of the resample, so that a skewed distribution skews the quantiles as it skews t itself (bootstrap-t).
    """
    units = values.shape[-2]
    centred = values - values.mean(axis=-2, keepdims=True)
    # what rounding leaves of a column without spread is the same in every unit, and would be shown as an endless t
    varies = np.mean(centred**2, axis=-2, keepdims=True) > 1e-28 * np.mean(values**2, axis=-2, keepdims=True)
    centred = np.where(varies, centred, 0.0)
    spread = np.mean(centred**2, axis=-2)
    for part in _parts(values, len(weights)):
        mean = weights @ centred[part]
        square = weights @ centred[part] ** 2
        yield part, t_statistic(mean, square, units, scale=spread[part][:, None])


def _parts(values: np.ndarray, resamples: int) -> Iterator[slice]:
    step = max(1, _CELLS // max(1, resamples * values.shape[-1]))
    for start in range(0, len(values), step):
        yield slice(start, start + step)
