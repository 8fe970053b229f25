"""Which teacher sizes are worth training in full, from a few seeds of all of them."""

from itertools import product
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError

SMOOTHNESS = (1.0, 2.0, 4.0)
"""Steps of the grid over which a curve keeps its height, as tried: from a spike to a slope."""
HEIGHTS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Variances of a curve over the sizes, in those of one seed's noise, as tried."""
DRAWS = 4000
LEAST_SEEDS = 2
"""With one seed nothing tells a curve from its noise."""


class Advice(NamedTuple):
    """What a pilot says of one student."""

    named: tuple[int, ...]
    """Places of the sizes worth training, ascending: at most half of all."""
    holds: float
    """Probability that the best size is among them."""
    each: np.ndarray
    """(sizes,) probability of each size to be the best."""


def advise(gain: np.ndarray, *, seed: int = 0) -> Advice:
    """Name the half of the sizes that most probably holds the best one.

    A seed's gains are a level of its own, a smooth curve that all seeds share, and noise. The curve is a Gaussian process over the places
    of the sizes; how smooth it is and how high above the noise is averaged over, each weighted by how well it explains the pilot. Of the
    curves that remain possible, each size is the best in some share: these are the probabilities.

    Parameters
    ----------
    gain
        (seeds, sizes), sizes ascending and evenly spaced on the scale that matters (their logarithms), at least 2 of each.
    seed
        Of the random curves.

    Returns
    -------
    Advice
        Half of the sizes, rounded down; one of 2 or 3.

    Raises
    ------
    DataError
        If there are fewer than 2 seeds or sizes, or a gain is not finite.

    Notes
    -----
    Cost: 15 Cholesky factors and 4,000 curves, 10 ms. How often the best size is among the named ones is measured in
    ``benchmarks/calibration.py``.

    References
    ----------
    Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, sections 2.2 and 5.2; the noise variance is integrated out under
    Jeffreys' prior, which makes the curves Student's t.

    Examples
    --------
    >>> found = advise(np.array([[0.0, 0.3, 0.5, 0.4, 0.1, 0.0], [0.1, 0.4, 0.5, 0.5, 0.3, 0.1]]))
    >>> found.named, round(found.holds, 2)
    ((1, 2, 3), 1.0)
    """
    values = np.asarray(gain, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < LEAST_SEEDS or values.shape[1] < 2:
        raise DataError(f"gain has shape {values.shape}: a pilot needs (seeds, sizes) with at least 2 of each")
    if not np.isfinite(values).all():
        raise DataError("gain holds NaN or an infinity: leave out seeds that lack a size")
    seeds, sizes = values.shape
    scale = float(values.std()) or 1.0
    values = values / scale
    # a seed's own level says nothing of the shape: only contrasts of the sizes do
    contrasts: np.ndarray = np.linalg.svd(np.eye(sizes) - 1 / sizes)[0][:, : sizes - 1]
    mean: np.ndarray = contrasts.T @ values.mean(axis=0)
    apart = values - values.mean(axis=0)
    noise = float(((apart - apart.mean(axis=1, keepdims=True)) ** 2).sum()) + 1e-12
    count = seeds * (sizes - 1)
    places: np.ndarray = np.arange(sizes, dtype=np.float64)
    weights: list[float] = []
    shares: list[np.ndarray] = []
    rng = np.random.default_rng(seed)
    standard = rng.normal(size=(DRAWS, sizes)) * np.sqrt(count / rng.chisquare(count, size=(DRAWS, 1)))
    for smooth, height in product(SMOOTHNESS, HEIGHTS):
        kernel: np.ndarray = height * np.exp(-0.5 * ((places[:, None] - places) / smooth) ** 2)
        known: np.ndarray = contrasts.T @ kernel @ contrasts + np.eye(sizes - 1) / seeds
        factor: np.ndarray = np.linalg.cholesky(known)
        residual: np.ndarray = np.linalg.solve(factor, mean)
        total = float(residual @ residual) + noise
        weights.append(-float(np.log(np.diag(factor)).sum()) - 0.5 * count * float(np.log(total)))
        pull: np.ndarray = kernel @ contrasts @ np.linalg.inv(known)
        spread: np.ndarray = (kernel - pull @ contrasts.T @ kernel) * total / count
        # symmetric root: the covariance has no full rank beyond rounding where the curve is smooth
        size, direction = np.linalg.eigh((spread + spread.T) / 2)
        curves: np.ndarray = pull @ mean + standard @ (direction * np.sqrt(np.maximum(size, 0.0))).T
        shares.append(np.bincount(curves.argmax(axis=1), minlength=sizes) / DRAWS)
    relative = np.exp(np.array(weights) - max(weights))
    each = relative @ np.array(shares) / relative.sum()
    named = np.sort(np.argsort(-each, kind="stable")[: max(1, sizes // 2)])
    return Advice(tuple(int(place) for place in named), float(each[named].sum()), each)
