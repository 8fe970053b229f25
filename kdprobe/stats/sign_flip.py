"""The sign-flip max-t test: is any of several paired differences above 0, when nothing but symmetry is assumed of them?"""

from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.stats.resampling import filled, flipped_t, sign_flips, t_statistic


class MaxT(NamedTuple):
    """Student's t of each difference, with p values that hold for all of them together."""

    t: np.ndarray
    """(..., k)."""
    p: np.ndarray
    """(..., k): how often the largest t of a sign flip is as large as this one (single-step maxT, Westfall and Young 1993)."""


def max_t(differences: np.ndarray, *, two_sided: bool = False, seed: int = 0) -> MaxT:
    """Test whether any mean of paired differences is above 0, with p values adjusted for looking at all of them.

    Under the hypothesis that the k differences of a unit are symmetric round 0 together, flipping all signs of a unit changes nothing:
    counting flips gives a test whose level is exact at every number of units, whatever the tails and however the columns depend.

    Parameters
    ----------
    differences
        (..., units, k), at least 2 units. Leading axes are separate tests, done at once. NaN is a unit that is missing in a column: given
        which are missing, flipping whole units is as exact as without.
    two_sided
        Whether a difference below 0 counts too.
    seed
        Of the random flips, drawn where there are more than 14 units.

    Returns
    -------
    MaxT
        Smallest possible p: 2^-units, twice that two-sided.

    Raises
    ------
    DataError
        If there are fewer than 2 units, or a difference is infinite.

    Notes
    -----
    Cost: 2^units (at most 16,384; 10,000 above 14 units) × units × k multiply-adds. Exactness needs joint symmetry: where one column is
    skewed and what it is compared with is not, the level is missed (see ``benchmarks/calibration.py`` for by how much).

    References
    ----------
    Westfall and Young 1993, Resampling-Based Multiple Testing; Winkler et al. 2014, doi:10.1016/j.neuroimage.2014.01.060.

    Examples
    --------
    >>> differences = np.array([[1.0, 0.1], [1.2, -0.3], [0.9, 0.2], [1.1, -0.1], [0.8, 0.0]])
    >>> max_t(differences).p.tolist()  # 1/32: no flip does as well as all five as they are
    [0.03125, 0.90625]
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim < 2 or values.shape[-2] < 2:
        raise DataError(f"differences has shape {values.shape}: give (units, columns) with at least 2 units")
    if np.isinf(values).any():
        raise DataError("differences holds an infinity: give NaN where a unit is missing")
    units, columns = values.shape[-2:]
    stacked = values.reshape(-1, units, columns)
    known, count = filled(stacked)
    t = t_statistic(known.sum(axis=1) / count[:, 0], (known**2).sum(axis=1) / count[:, 0], count[:, 0])
    reached = np.abs(t) if two_sided else t
    p = np.empty_like(t)
    flips = sign_flips(units, seed=seed)
    for part, flipped in flipped_t(stacked, flips):
        largest = np.sort((np.abs(flipped) if two_sided else flipped).max(axis=-1), axis=-1)
        for row, place in enumerate(range(part.start, min(part.stop, len(stacked)))):
            # ties are the rule with few units: rounding must not break them
            threshold = reached[place] - 1e-9 * np.abs(reached[place])
            p[place] = 1 - np.searchsorted(largest[row], threshold, side="left") / len(flips)
    # of a column that fewer than 2 units have, nothing is known
    p[(~np.isnan(stacked)).sum(axis=1) < 2] = 1.0
    shape = (*values.shape[:-2], columns)
    return MaxT(t.reshape(shape), p.reshape(shape))
