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
    """

    twins: Sequence[np.ndarray]
    mean: np.ndarray
    noise: np.ndarray

    @property
    def k(self) -> int:
        """Number of twins."""
        return len(self.twins)


def references(twins: Sequence[np.ndarray]) -> References:
    """Read k ≥ 2 twins, each (..., n, c). O(k n c)."""
    mean = sum(twins[1:], start=twins[0]) / len(twins)
    noise = sum(_squares(twin - mean) for twin in twins) / (len(twins) - 1)
    return References(twins, mean, np.asarray(noise))


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
    return np.einsum("...c,...c->...", student - against.mean, teacher - against.mean) - against.noise / against.k


def without_each(student: np.ndarray, teacher: np.ndarray, against: References) -> np.ndarray:
    """What `row_means` gives on average over the rows with each twin left out in turn: (k,). Of (n, c) arrays, k ≥ 3. O(k n c).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> student, teacher, *twins = rng.normal(size=(6, 5, 2))
    >>> first = without_each(student, teacher, references(twins))[0]
    >>> bool(np.isclose(first, row_means(student, teacher, references(twins[1:])).mean()))
    True
    """
    k = against.k
    a, b = student - against.mean, teacher - against.mean
    both = a + b
    apart = np.array([np.sum(_squares(twin - against.mean)) for twin in against.twins])
    crossed = np.array([np.vdot(twin, both) for twin in against.twins]) - np.vdot(against.mean, both)
    # without twin i the mean moves away from it by its distance / (k - 1)
    product = np.vdot(a, b) + crossed / (k - 1) + apart / (k - 1) ** 2
    noise = (apart.sum() - apart * k / (k - 1)) / (k - 2)
    return (product - noise / (k - 1)) / len(student)


def _squares(values: np.ndarray) -> np.ndarray:
    return np.einsum("...c,...c->...", values, values)
