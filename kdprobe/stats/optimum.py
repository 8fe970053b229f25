"""Where a curve over sizes is largest, between the sizes too: local quadratic, quartic, and the best size itself.

A quadratic through all sizes is not offered: its 95 % interval covers the optimum of curves that are not quadratic in 33 to 72 % of sweeps.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal
from kdprobe.stats.bootstrap import bootstrap
from kdprobe.stats.intervals import Interval

WINDOW = 5


class Optimum(NamedTuple):
    """Position of the largest mean, on the scale of x, by three ways, each with its interval over units."""

    local: Interval | Refusal
    """Vertex of the quadratic through the five sizes round the best one."""
    quartic: Interval | Refusal
    """Maximum of a quartic through all sizes; needs 6 of them."""
    best: Interval | Refusal
    """The best size itself."""


def optimum(x: np.ndarray, gain: np.ndarray, *, draws: np.ndarray | None = None, seed: int = 0) -> Optimum:
    """Locate the maximum of a mean curve, with intervals from the bootstrap over units: the window moves with each resample.

    Parameters
    ----------
    x
        (k,) ascending, at least 3, such as the logarithms of the teacher sizes.
    gain
        (seeds, k).
    draws
        (seeds,) the draw of labelled rows of each seed; with several draws, these are the units.
    seed
        Of the resamples.

    Returns
    -------
    Optimum
        Positions stay within the sizes (`local`: between the neighbours of the best one). Refusals below 5 units.

    Raises
    ------
    DataError
        If x does not ascend or has fewer than 3 entries.

    Examples
    --------
    >>> x = np.arange(7.0)
    >>> gain = -((x - 2.5) ** 2) + np.random.default_rng(0).normal(size=(20, 7))
    >>> found = optimum(x, gain)
    >>> [round(way.value, 1) for way in found]
    [2.5, 2.5, 2.0]
    """
    x = np.asarray(x, dtype=np.float64)
    if len(x) < 3 or not (np.diff(x) > 0).all():
        raise DataError(f"x={x.tolist()}: give at least 3 ascending positions")
    quartic: Interval | Refusal = Refusal(reason=f"a quartic through {len(x)} sizes has no freedom left", advice="give at least 6 sizes")
    if len(x) >= 6:
        quartic = bootstrap(gain, quartic_maximum(x), draws=draws, seed=seed)
    return Optimum(
        local=bootstrap(gain, local_maximum(x), draws=draws, seed=seed),
        quartic=quartic,
        best=bootstrap(gain, lambda means: x[means.argmax(axis=1)], draws=draws, seed=seed),
    )


def local_maximum(x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from mean curves (b, k) to the vertices (b,) of quadratics through the `WINDOW` sizes round each one's maximum.

    Where the quadratic is not concave, the best size stands for it; and no vertex lies beyond the neighbours of the best size, because the
    maximum of a curve with one hump does not.
    """
    width = min(WINDOW, len(x))
    starts = np.clip(np.arange(len(x)) - width // 2, 0, len(x) - width)
    windows = starts[:, None] + np.arange(width)
    centres = x[windows].mean(axis=1)
    fits = np.stack([np.linalg.pinv(np.vander(x[window] - centre, 3)) for window, centre in zip(windows, centres, strict=True)])

    def position(means: np.ndarray) -> np.ndarray:
        best = means.argmax(axis=1)
        a, b, _ = np.einsum("bcw,bw->cb", fits[best], np.take_along_axis(means, windows[best], axis=1))
        concave = a < -1e-12 * np.maximum(np.abs(b), 1e-300)
        vertex = centres[best] - b / (2 * np.where(concave, a, -1.0))
        before, after = x[np.maximum(best - 1, 0)], x[np.minimum(best + 1, len(x) - 1)]
        return np.where(concave, np.clip(vertex, before, after), x[best])

    return position


def quartic_maximum(x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from mean curves (b, k) to the places (b,) where quartics through all sizes are largest, on a grid of 401."""
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    grid = np.linspace(-1, 1, 401)
    curve = np.vander(grid, 5) @ np.linalg.pinv(np.vander((x - middle) / half, 5))
    return lambda means: middle + half * grid[(means @ curve.T).argmax(axis=1)]
