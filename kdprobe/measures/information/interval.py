"""Spread and drift of an estimate by disjoint subsampling (Holmes and Nemenman 2019, arXiv:1903.09280), and of held-out floors by halves.

A bootstrap with replacement repeats rows, and a repeated row is its own nearest neighbour: it adds .29 to a true .41 nats. Disjoint parts
repeat nothing. Their variance falls as one over the number of rows, so that of the whole is a quarter of a quarter's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student_t

PARTS = 4
PARTITIONS = 4
# the four partitions share rows: calibration at ρ = 0, .5 and .9 puts their 12 degrees of freedom at about 9
_FREEDOM = 9
QUANTILE = float(student_t.ppf(0.975, _FREEDOM))


@dataclass(frozen=True)
class Spread:
    """What the parts say of the whole.

    Parameters
    ----------
    variance
        Of the estimate from all rows.
    quarter
        Mean estimate from a quarter of the rows.
    """

    variance: float
    quarter: float


def disjoint_spread(estimate: Callable[[np.ndarray], float], n: int, rng: np.random.Generator) -> Spread:
    """Estimate on four quarters of the rows, in four random partitions.

    Parameters
    ----------
    estimate
        (m,) row numbers -> the estimate from these rows alone.
    n
        Rows in all.
    """
    return spread_of(np.array(disjoint_estimates(estimate, n, rng)))


def disjoint_estimates(estimate: Callable[[np.ndarray], Any], n: int, rng: np.random.Generator) -> list[list[Any]]:
    """Estimates (PARTITIONS, PARTS, ...) on the quarters of `disjoint_spread`: one number each, or several at once."""
    return [[estimate(rows) for rows in np.array_split(rng.permutation(n), PARTS)] for _ in range(PARTITIONS)]


def spread_of(estimates: np.ndarray) -> Spread:
    """Spread of one number by its estimates (PARTITIONS, PARTS) on the quarters."""
    return Spread(float(estimates.var(axis=1, ddof=1).mean()) / PARTS, float(estimates.mean()))


Halves = tuple[np.ndarray, np.ndarray]
"""Row numbers of two halves: what is learned on one is measured on the other."""


def halves_of(n: int, rng: np.random.Generator) -> Halves:
    """Split n rows in two at random."""
    first, second = np.array_split(rng.permutation(n), 2)
    return first, second


@dataclass(frozen=True)
class HalfFloor:
    """A floor learned on one half of the rows.

    Parameters
    ----------
    checked
        Nats on rows kept aside inside the learning half: what floors are chosen by.
    value, variance
        Nats on the other half, and the variance.
    """

    checked: float
    value: float
    variance: float


@dataclass(frozen=True)
class Floor:
    """A lower bound of the information, each half of the rows measured with what the other half taught."""

    first: HalfFloor
    second: HalfFloor

    @property
    def value(self) -> float:
        """Mean of both halves, in nats."""
        return (self.first.value + self.second.value) / 2

    @property
    def variance(self) -> float:
        """Variance of `value` given what was learned; the halves share no row that is measured."""
        return (self.first.variance + self.second.variance) / 4

    @property
    def disagreement(self) -> float:
        """Variance of `value` by the difference of its halves: one degree of freedom, but what was learned counts too."""
        return (self.first.value - self.second.value) ** 2 / 4


def higher(one: Floor, other: Floor) -> Floor:
    """In each half, keep the floor that was higher on the rows kept aside: never the one that is higher where it is measured."""
    pairs = ((one.first, other.first), (one.second, other.second))
    return Floor(*(max(pair, key=lambda half: half.checked) for pair in pairs))


def standardised(found: Floor, expected: Floor) -> float:
    """Difference of two floors in standard errors; 0 where neither shows anything."""
    variance = max(found.variance + expected.variance, found.disagreement + expected.disagreement)
    return (found.value - expected.value) / float(np.sqrt(variance)) if variance > 0 else 0.0
