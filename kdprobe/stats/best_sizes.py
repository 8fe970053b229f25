"""Hsu's confidence set of best sizes: those that may be the best one, by paired comparison with the best of the others."""

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.stats.bootstrap import LEAST
from kdprobe.stats.paired import LEVEL, quantile
from kdprobe.stats.pairing import levels
from kdprobe.stats.resampling import bootstrap_weights, bootstrapped_t, filled, t_statistic


def best_sizes(gain: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Return which sizes may have the largest mean gain: a set that holds the truly best one with probability .95.

    A size is left out where the best of the others is shown to beat it: where the largest t of the paired differences (other - this)
    exceeds the .95 quantile that the bootstrap over units gives for it. The truly best size is beaten by none, so it is left out with
    probability .05 at most (multiple comparisons with the best, Hsu 1981, 1996).

    Parameters
    ----------
    gain
        (..., units, sizes), at least 2 of each; NaN where a unit lacks a size. Two sizes are compared by the units that have both.
    seed
        Of the resamples.

    Returns
    -------
    np.ndarray
        (..., sizes) booleans, at least one of them true. Below 8 units (of a pair, where some lack some) the resamples are too few, and
        Bonferroni's t is taken. Without a unit that it shares with another, a size may be the best.

    Raises
    ------
    DataError
        If there are fewer than 2 units or sizes.

    Notes
    -----
    Cost: 2,000 resamples × units × sizes²/2 multiply-adds.

    References
    ----------
    Hsu 1981, Annals of Statistics 9:1026; Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 12 (bootstrap-t).

    Examples
    --------
    >>> gain = np.random.default_rng(0).normal([0.0, 1.0, 0.9, 0.2], 0.2, size=(10, 4))
    >>> best_sizes(gain).tolist()
    [False, True, True, False]
    """
    values = np.asarray(gain, dtype=np.float64)
    if values.ndim < 2 or values.shape[-2] < 2 or values.shape[-1] < 2:
        raise DataError(f"gain has shape {values.shape}: give (units, sizes) with at least 2 of each")
    units, sizes = values.shape[-2:]
    stacked = values.reshape(-1, units, sizes)
    first, second = np.triu_indices(sizes, k=1)
    differences = stacked[..., first] - stacked[..., second]
    # two equal gains may differ by rounding, which without any spread would be a certain difference
    least = 1e-13 * (np.abs(stacked[..., first]) + np.abs(stacked[..., second]))
    differences[np.abs(differences) <= least] = 0.0
    known, count = filled(differences)
    there = (~np.isnan(differences)).sum(axis=1)
    t = t_statistic(known.sum(axis=1) / count[:, 0], (known**2).sum(axis=1) / count[:, 0], there)
    rivals = _rivals(sizes, first, second)
    few = there < LEAST
    # pairs of few units are judged by Bonferroni's t, the others by the bootstrap, which then is of these alone
    alone = quantile(1 - LEVEL / (sizes - 1), there)
    together = np.full((len(stacked), sizes), np.inf)
    if not few.all():
        for part, resampled in bootstrapped_t(np.where(few[:, None], np.nan, differences), bootstrap_weights(units, seed=seed)):
            for size, (pairs, sign) in enumerate(rivals):
                together[part, size] = np.quantile((sign * resampled[..., pairs]).max(axis=-1), 1 - LEVEL, axis=-1)
    limits = np.where(few[..., None], alone[..., None], together[:, None])
    beaten = [(sign * t[:, pairs] > limits[:, pairs, size]).any(axis=-1) for size, (pairs, sign) in enumerate(rivals)]
    kept = ~np.stack(beaten, axis=-1)
    # the best mean of the sample is beaten by none
    kept[np.arange(len(stacked)), levels(stacked).argmax(axis=-1)] = True
    return kept.reshape(*values.shape[:-2], sizes)


def _rivals(sizes: int, first: np.ndarray, second: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each size, the pairs it is in, and the sign that makes each pair's difference (other - this)."""
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for size in range(sizes):
        pairs = np.flatnonzero((first == size) | (second == size))
        found.append((pairs, np.where(second[pairs] == size, 1.0, -1.0)))
    return found
