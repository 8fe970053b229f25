"""The null of kernel alignment: what unrelated rows give.

Under random permutation of the rows of one side, debiased CKA has mean 0 and standard deviation exactly √(2/(n(n-3))) for any data and any
kernel: U-centred kernels span an irreducible representation of the symmetric group, of dimension n(n-3)/2, so the mean of ⟨K̃, PL̃Pᵀ⟩² is
‖K̃‖²‖L̃‖² over that dimension. Mean and standard deviation of biased CKA are those of Kazi-Aoual et al. (1995).

The shape depends on the spectra. For large n, HSIC₁ tends to Σᵢⱼ λᵢμⱼ(Z²ᵢⱼ - 1) with λ and μ the eigenvalues of the two kernels (Gretton et
al. 2009; Zhang et al. 2018), whose skewness is √8·c(λ)·c(μ) with c(λ) = Σλ³/(Σλ²)^{3/2}: from √8 for two scalars (a χ² with one degree of
freedom) down to 0 for many equal eigenvalues. A Pearson III (shifted gamma) distribution with the exact mean and standard deviation and
this skewness is the limit itself where all eigenvalues are equal, and matches three moments elsewhere. Where the skewness is small, the
t-test of Székely and Rizzo (2013) takes over.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc, stdtr  # pyright: ignore[reportAttributeAccessIssue]

NOT_EXCLUDED = (
    "two models of one task that never met pass it too, as classifiers share their classes: a small p says only that rows are not "
    "exchangeable, not that one model taught the other"
)
"""What every p against unrelated rows leaves open, in the words of notes and captions."""
FROM_SKEWNESS = 0.1
"""Below it p comes from the t-test: so little skewness moves a p of 5 % by less than a third of a point."""


class Shape(NamedTuple):
    """What the spectrum of one side's centred kernel tells."""

    spread: float
    """HSIC with itself over Σλ²: near 0 where a single row holds all the spread, or there is none."""
    concentration: float
    """c(λ) = Σλ³/(Σλ²)^{3/2}: 1 at rank one, 1/√r for r equal eigenvalues."""
    effective_rank: float
    """(Σλ)²/Σλ², the participation ratio: between 1 and the number of columns; 0 for a constant."""
    diagonal: float
    """Σk²ᵢᵢ/Σλ² of the centred kernel."""


class Null(NamedTuple):
    """Mean, standard deviation and skewness of an alignment between unrelated rows."""

    mean: float
    sd: float
    skewness: float


def null_of(n: int, x: Shape, y: Shape, *, debiased: bool = True) -> Null:
    """Null of debiased or biased CKA on n rows."""
    skewness = math.sqrt(8.0) * x.concentration * y.concentration
    if debiased:
        return Null(0.0, null_sd(n), skewness)
    ranks = x.effective_rank, y.effective_rank
    spectral = 2 * math.prod(n - 1 - rank for rank in ranks) / ((n - 1) ** 2 * (n + 1) * (n - 2))
    leverage = math.prod(n * (n + 1) * side.diagonal - (n - 1) * (side.effective_rank + 2) for side in (x, y))
    variance = spectral + leverage / ((n + 1) * n * (n - 1) * (n - 2) * (n - 3))
    return Null(math.sqrt(math.prod(ranks)) / (n - 1), math.sqrt(max(variance, 0.0)), skewness)


def null_sd(n: int) -> float:
    """Standard deviation of debiased CKA (any kernel) under permuted rows: √(2/(n(n-3))).

    Examples
    --------
    >>> null_sd(4)
    0.7071067811865476
    """
    return math.sqrt(2 / (n * (n - 3)))


def upper_tail(z: float, skewness: float, n: int) -> tuple[float, str]:
    """One-sided p of a value that lies z null standard deviations above the null's mean, and the name of the null.

    Parameters
    ----------
    z
        (value - mean) / sd.
    skewness
        Of the null.
    n
        Rows, for the t-test's degrees of freedom n(n-3)/2 - 1.

    Examples
    --------
    >>> upper_tail(0.0, 0.0, 100)
    (0.5, 't-test')
    """
    if skewness >= FROM_SKEWNESS:
        shape = 4 / skewness**2
        return float(gammaincc(shape, max(0.0, shape + z * math.sqrt(shape)))), "moment-matched"
    v = n * (n - 3) / 2
    r = z / math.sqrt(v)
    if abs(r) >= 1.0:
        return (0.0 if r > 0 else 1.0), "t-test"
    return float(stdtr(v - 1, -r * math.sqrt((v - 1) / (1 - r * r)))), "t-test"


def concentration(matrix: np.ndarray) -> float:
    """c(λ) = tr(S³)/tr(S²)^{3/2} of a symmetric matrix, between 0 and 1. O(d³), one product."""
    # a matrix times its own transpose takes half the time
    squared = matrix.T @ matrix
    second = float(np.trace(squared, dtype=np.float64))
    third = float(squared.ravel() @ matrix.ravel())
    return min(1.0, max(0.0, third / second**1.5)) if second > 0 else 1.0


def permutation_p(statistic: Callable[[np.ndarray], float], value: float, n: int, *, permutations: int, seed: int) -> float:
    """One-sided permutation p: (1 + permutations at least as large) / (1 + permutations).

    Parameters
    ----------
    statistic
        (n,) order of the rows of one side -> value.
    value
        In the order given.
    n
        Rows.
    permutations
        How many are drawn.
    seed
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    # a value that equals the observed one up to rounding counts as at least as large
    least = value - 1e-12 * max(1.0, abs(value))
    reached = sum(statistic(rng.permutation(n)) >= least for _ in range(permutations))
    return (1 + reached) / (1 + permutations)
