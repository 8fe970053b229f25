"""Limits of what teacher and student both know, from one bootstrap of held-out scores."""

from dataclasses import dataclass

import numpy as np

from kdprobe.stats.intervals import unit_sums

DRAWS = 2000
_CHUNK = 200


@dataclass(frozen=True)
class Limits:
    """Of the redundancy: a point, and the joint 95 % limits.

    Parameters
    ----------
    co_information
        (low, high) of a + b - j.
    smaller
        (low, high) of min(a, b).
    """

    co_information: tuple[float, float]
    smaller: tuple[float, float]

    @property
    def low(self) -> float:
        """Lower limit of the redundancy, which is not negative."""
        return max(0.0, self.co_information[0])

    @property
    def high(self) -> float:
        """Upper limit of the redundancy."""
        return max(0.0, self.smaller[1])

    @property
    def crossed(self) -> bool:
        """Whether no redundancy fits both limits."""
        return self.low > self.high


def redundancy_limits(terms: np.ndarray, blocks: np.ndarray | None, rng: np.random.Generator) -> Limits:
    """Bound the redundancy, from the per-row information (n, 3) of teacher, student and both.

    Every decomposition with non-negative atoms has max(0, a + b - j) ≤ redundancy ≤ min(a, b). In a student that only degrades its
    teacher both ends are the same number, and estimates of them cross in most samples: so the ends are limits, of 97.5 % each, and both
    come from the same resampled rows (or blocks).
    """
    sums, sizes = unit_sums(terms, blocks)
    units = len(sizes)
    found = []
    for start in range(0, DRAWS, _CHUNK):
        weights = rng.multinomial(units, np.full(units, 1 / units), size=min(_CHUNK, DRAWS - start)).astype(np.float64)
        found.append(weights @ sums / (weights @ sizes)[:, None])
    a, b, j = np.concatenate(found).T

    def ends(values: np.ndarray) -> tuple[float, float]:
        low, high = np.quantile(values, [0.025, 0.975])
        return float(low), float(high)

    return Limits(ends(a + b - j), ends(np.minimum(a, b)))
