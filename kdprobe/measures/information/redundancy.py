"""Limits of what teacher and student both know, from one bootstrap of held-out scores."""

from dataclasses import dataclass

import numpy as np

from kdprobe.stats.intervals import unit_sums

DRAWS = 2000
_CHUNK = 200


@dataclass(frozen=True)
class Limits:
    """Joint 95 % limits of the redundancy.

    Parameters
    ----------
    held
        (low, high) from rows that the probes did not learn from: the lower limit of a + b - j, the upper one of min(a, b), 0 at least.
    learned
        The same from the rows that they learned from.
    """

    held: tuple[float, float]
    learned: tuple[float, float]

    @property
    def low(self) -> float:
        """Lower limit of the redundancy, which is not negative."""
        return min(self.held[0], self.learned[0])

    @property
    def high(self) -> float:
        """Upper limit of the redundancy."""
        return max(self.held[1], self.learned[1])

    @property
    def crossed(self) -> bool:
        """Whether no redundancy fits both limits on rows that nothing was learned from."""
        return self.held[0] > self.held[1]


def redundancy_limits(terms: np.ndarray, learned: np.ndarray, blocks: np.ndarray | None, rng: np.random.Generator) -> Limits:
    """Bound the redundancy, from the per-row information (n, 3) of teacher, student and both: held out, and on the rows learned from.

    Every decomposition with non-negative atoms has max(0, a + b - j) ≤ redundancy ≤ min(a, b). In a student that only degrades its
    teacher both ends are the same number, and estimates of them cross in most samples: so the ends are limits, of 97.5 % each, and both
    come from the same resampled rows (or blocks). What learning cost makes held-out values too small and those of the learned rows too
    large, so the limits span both.
    """
    sums, sizes = unit_sums(np.hstack([terms, learned]), blocks)
    units = len(sizes)
    found = []
    for start in range(0, DRAWS, _CHUNK):
        weights = rng.multinomial(units, np.full(units, 1 / units), size=min(_CHUNK, DRAWS - start)).astype(np.float64)
        found.append(weights @ sums / (weights @ sizes)[:, None])
    means = np.concatenate(found)

    def ends(a: np.ndarray, b: np.ndarray, j: np.ndarray) -> tuple[float, float]:
        return max(0.0, float(np.quantile(a + b - j, 0.025))), max(0.0, float(np.quantile(np.minimum(a, b), 0.975)))

    return Limits(ends(*means.T[:3]), ends(*means.T[3:]))
