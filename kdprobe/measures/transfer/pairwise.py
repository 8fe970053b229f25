"""Sums over pairs of different reference twins: what cross-twin measures are made of, without ever forming a pair."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LEAST = 3
"""Fewer twins leave no pair of different twins when one is left out, and so no interval."""


class References(NamedTuple):
    """k reference twins, as every pair of student and teacher meets them.

    Parameters
    ----------
    twins
        k arrays (..., n, c).
    mean
        (..., n, c) mean of the twins.
    noise
        (..., n) variance between the twins, summed over the outputs.
    apart
        (k,) squared distance of each twin from the mean, summed over everything.
    """

    twins: Sequence[np.ndarray]
    mean: np.ndarray
    noise: np.ndarray
    apart: np.ndarray

    @property
    def k(self) -> int:
        """Number of twins."""
        return len(self.twins)


def references(twins: Sequence[np.ndarray]) -> References:
    """Read k ≥ 2 twins, each (..., n, c). O(k n c)."""
    mean = sum(twins[1:], start=twins[0]) / len(twins)
    squares = [_products(twin - mean, twin - mean) for twin in twins]
    noise = sum(squares[1:], start=squares[0]) / (len(twins) - 1)
    return References(twins, mean, noise, np.array([one.sum() for one in squares]))


def row_means(student: np.ndarray, teacher: np.ndarray, against: References) -> np.ndarray:
    """Mean over all pairs i ≠ j of twins of ⟨student - twin i, teacher - twin j⟩, by row: (..., n).

    Notes
    -----
    The mean over *all* pairs is ⟨student - mean, teacher - mean⟩. Those with i = j hold each twin's own noise twice over; what they add is
    the variance between the twins by their number, which is taken off.

    Examples
    --------
    >>> twins = [np.array([[0.0]]), np.array([[1.0]]), np.array([[5.0]])]
    >>> round(float(row_means(np.array([[3.0]]), np.array([[4.0]]), references(twins))[0]), 6)
    -0.333333
    """
    return _products(student - against.mean, teacher - against.mean) - against.noise / against.k


class Placed(NamedTuple):
    """A model beside its reference twins: what all pairs that it is in share.

    Parameters
    ----------
    squares
        (n,) squared distance from the twins' mean.
    along
        (n,) ⟨model - mean, mean⟩.
    crossed
        (k,) ⟨model - mean, twin i - mean⟩, summed over the rows.
    """

    squares: np.ndarray
    along: np.ndarray
    crossed: np.ndarray


def placed(model: np.ndarray, against: References) -> Placed:
    """Place a model (n, c) beside its references. O(k n c), once a model."""
    apart = model - against.mean
    crossed = np.array([np.vdot(twin, apart) for twin in against.twins]) - np.vdot(against.mean, apart)
    return Placed(_products(apart, apart), _products(apart, against.mean), crossed)


def without_each(means: np.ndarray, crossed_of_both: np.ndarray, against: References) -> np.ndarray:
    """Mean over the rows of what `row_means` would give with each twin left out in turn: (k,), k ≥ 3. O(n + k).

    Parameters
    ----------
    means
        (n,) what it gives with all of them.
    crossed_of_both
        (k,) sum of ``crossed`` of the two models.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> student, teacher, *twins = rng.normal(size=(6, 5, 2))
    >>> all_of_them = references(twins)
    >>> both = placed(student, all_of_them).crossed + placed(teacher, all_of_them).crossed
    >>> first = without_each(row_means(student, teacher, all_of_them), both, all_of_them)[0]
    >>> bool(np.isclose(first, row_means(student, teacher, references(twins[1:])).mean()))
    True
    """
    k, apart = against.k, against.apart
    total = means.sum() + against.noise.sum() / k
    # without twin i the mean moves away from it by its distance / (k - 1)
    product = total + crossed_of_both / (k - 1) + apart / (k - 1) ** 2
    noise = (apart.sum() - apart * k / (k - 1)) / (k - 2)
    return (product - noise / (k - 1)) / len(means)


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...c,...c->...", a, b)
