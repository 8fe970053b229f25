"""What is measured of a curve of gains over teacher sizes, before anything is said of it; many curves at once."""

from typing import NamedTuple

import numpy as np

from kdprobe.stats.best_sizes import best_sizes
from kdprobe.stats.bootstrap import simultaneous
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast
from kdprobe.stats.pairing import levels
from kdprobe.stats.sign_flip import max_t


class GapNumbers(NamedTuple):
    """What is measured of curves (..., units, sizes); every field has the leading axes of the curves."""

    best: np.ndarray
    """Index of the size with the largest mean gain."""
    rival: np.ndarray
    """Index of the best size below the largest."""
    best_set: np.ndarray
    """(..., sizes) whether each size may be the best."""
    deficit: np.ndarray
    """(..., 3) how far the largest teacher is behind the best smaller one, with a 95 % interval simultaneous over the smaller sizes."""
    sd: np.ndarray
    """Of the deficit over units."""
    p: np.ndarray
    """One-sided, of the sign-flip max-t test over all smaller sizes."""
    upper: np.ndarray
    """95 % upper limit of the largest true deficit over all smaller sizes; infinite where one of them has too few units."""
    against: np.ndarray
    """One-sided, of any smaller size being ahead by the margin or more; 1 where one of them has too few units."""
    edge: np.ndarray
    """(..., 3) own loss of the best smaller teacher minus that of the largest, with its 95 % interval."""
    units: np.ndarray
    """Units that have both the largest and the best smaller size."""


def gap_numbers(gain: np.ndarray, teacher_loss: np.ndarray, *, margin: float = 0.0, least: int = SEEDS_FOR_A_VERDICT) -> GapNumbers:
    """Measure curves, many at once.

    Parameters
    ----------
    gain, teacher_loss
        (..., units, sizes), sizes ascending, at least 2 of each; NaN in both where a run is missing. Two sizes are compared by the units
        that have both.
    margin
        Deficit that is called negligible.
    least
        Units without which a smaller size is no rival, and its deficit is not known. Where no size has as many, all are rivals.
    """
    deficits = gain[..., :-1] - gain[..., -1:]
    pairs = (~np.isnan(deficits)).sum(axis=-2)
    enough = (pairs >= 2) & (pairs >= np.minimum(least, pairs.max(axis=-1, keepdims=True)))
    deficits = np.where(enough[..., None, :], deficits, np.nan)
    limits, test = simultaneous(deficits, margin=margin), max_t(deficits)
    rival = np.argmax(np.where(enough, limits.mean, -np.inf), axis=-1)
    known = enough.all(axis=-1)

    def of_rival(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, rival[..., None], -1)[..., 0]

    own = np.take_along_axis(teacher_loss, rival[..., None, None], -1)[..., 0] - teacher_loss[..., -1]
    edge = contrast(own)
    spread = limits.error * np.sqrt(np.maximum(pairs, 1))
    return GapNumbers(
        best=np.argmax(levels(gain), axis=-1),
        rival=rival,
        best_set=best_sizes(gain),
        deficit=np.stack([of_rival(limits.mean), of_rival(limits.low), of_rival(limits.high)], axis=-1),
        sd=of_rival(spread),
        # the best smaller size need not have the largest t; the hypothesis is that none is better, so the smallest p speaks of it
        p=test.p.min(axis=-1),
        # the largest deficit is below a margin only if each one is: an intersection-union test, so each at its own level
        upper=np.where(known, limits.upper.max(axis=-1), np.inf),
        against=np.where(known, limits.below.max(axis=-1), 1.0),
        edge=np.stack([edge.mean, *edge.interval()], axis=-1),
        units=of_rival(pairs),
    )
