"""Student's t over paired units, for many differences at once.

The unit is a seed, or a draw of labelled rows where there are several: seeds of one draw share their rows.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit  # pyright: ignore[reportMissingTypeStubs]

from kdprobe.core.result import Measurement

LEVEL = 0.05
SEEDS_FOR_A_VERDICT = 8


class Contrast(NamedTuple):
    """Mean paired differences (...) with their standard errors and two-sided p values, over n units."""

    mean: np.ndarray
    error: np.ndarray
    p: np.ndarray
    n: int | np.ndarray
    """Of each contrast, where some units are missing in some."""

    def below(self, margin: float = 0.0) -> np.ndarray:
        """One-sided p values of means that are at or above a margin: small where a mean is shown to lie below it.

        Examples
        --------
        >>> p = contrast(np.array([0.1, -0.1, 0.05, -0.05])).below(1.0)
        >>> bool(p < 0.001)
        True
        """
        n = np.asarray(self.n)
        away = self.mean - margin
        t = np.divide(away, self.error, out=np.where(away == 0, 0.0, np.copysign(np.inf, away)), where=self.error > 0)
        return np.where(n > 1, stdtr(np.maximum(n - 1, 1), t), 1.0)

    def interval(self, tests: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the 95 % intervals, simultaneous (Bonferroni) over `tests` of them."""
        reach = quantile(1 - LEVEL / (2 * tests), self.n) * self.error
        return self.mean - reach, self.mean + reach

    def exceeds(self, tests: int = 1) -> np.ndarray:
        """Whether each mean is shown to be above 0, one-sided at level .05 over `tests` of them."""
        return self.mean > quantile(1 - LEVEL / tests, self.n) * self.error

    def measurement(self, unit: str = "", tests: int = 1) -> Measurement:
        """Give one contrast as a measurement over seeds."""
        low, high = self.interval(tests)
        return Measurement(value=float(self.mean), low=float(low), high=float(high), n=int(self.n), unit=unit, estimand="this recipe")


def quantile(probability: float, n: int | np.ndarray) -> Any:
    """Quantile of Student's t for the mean of n units; infinite below two."""
    if isinstance(n, int):
        return float(stdtrit(n - 1, probability))
    return np.where(n > 1, stdtrit(np.maximum(n - 1, 1), probability), np.inf)


def contrast(differences: np.ndarray) -> Contrast:
    """Student's t of the mean over the last axis of paired differences (..., units), of which there must be two or more.

    NaN is a unit that is missing there. Where fewer than two are left nothing is known: the mean is 0, its interval endless, and p is 1.
    """
    there = ~np.isnan(differences)
    if not there.all():
        return _unbalanced(differences, there)
    n = differences.shape[-1]
    mean = differences.mean(axis=-1)
    error = differences.std(axis=-1, ddof=1) / np.sqrt(n)
    # without any spread a difference of 0 says nothing, any other one everything that a t statistic can say
    t = np.divide(np.abs(mean), error, out=np.where(mean == 0, 0.0, np.inf), where=error > 0)
    return Contrast(mean, error, 2 * stdtr(n - 1, -t), n)


def _unbalanced(differences: np.ndarray, there: np.ndarray) -> Contrast:
    n = there.sum(axis=-1)
    known = n > 1
    mean = np.where(known, np.where(there, differences, 0.0).sum(axis=-1) / np.maximum(n, 1), 0.0)
    square = np.where(there, differences - mean[..., None], 0.0) ** 2
    error = np.where(known, np.sqrt(square.sum(axis=-1) / np.maximum(n - 1, 1) / np.maximum(n, 1)), np.inf)
    t = np.divide(np.abs(mean), error, out=np.where(mean == 0, 0.0, np.inf), where=error > 0)
    return Contrast(mean, error, 2 * stdtr(np.maximum(n - 1, 1), -t), n)
