"""The log-linear pool of classifiers, learned once from all rows by Newton's method, with each fold's weights one step from there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kdprobe.measures.information.pool_weights import fitted, softmax_in_place
from kdprobe.measures.information.usable_classes import FOLDS

# rows from which a quarter of them gives the first guess
_MANY = 2000


@dataclass(frozen=True)
class Terms:
    """One value a row of one quantity: held out, and on the rows that the probe learned from."""

    held: np.ndarray
    learned: np.ndarray

    def __sub__(self, other: "Terms") -> "Terms":
        return Terms(self.held - other.held, self.learned - other.learned)

    def __add__(self, other: "Terms") -> "Terms":
        return Terms(self.held + other.held, self.learned + other.learned)


def pool(
    experts: Sequence[np.ndarray], held_experts: Sequence[np.ndarray], wanted: Callable[[np.ndarray], np.ndarray], folds: np.ndarray
) -> Terms:
    """Losses (n,) of the log-linear pool of experts (c, n) each, held out and not; `wanted` is an expert's (n,) log score of the truth.

    Rows lie along the last axis, where sums over few classes are fast. The penalty is half a row's worth, so that weights stay finite where
    the classes can be told apart without error.
    """
    n = len(folds)
    scores = [wanted(expert) for expert in experts]
    spread = np.array([float(expert.std()) for expert in experts])
    # an expert that says the same everywhere gets no weight
    penalty = 0.5 * np.where(spread > 0, spread, 1.0) ** 2
    weights = np.r_[np.full(len(experts) - 1, 1.0 / max(1, len(experts) - 1)), 0.0]
    if n > _MANY:
        some = slice(None, None, 4)
        weights = fitted([expert[:, some] for expert in experts], [score[some] for score in scores], weights, penalty)[0]
    weights, learned, slopes, curvature = fitted(experts, scores, weights, penalty)
    by_fold = np.stack([np.bincount(folds, weights=slope, minlength=FOLDS) for slope in slopes], axis=1)
    shares = np.bincount(folds, minlength=FOLDS) / n
    without = np.stack(
        [weights + np.linalg.solve((1 - share) * curvature + np.diag(penalty), slope) for share, slope in zip(shares, by_fold, strict=True)]
    )
    z, score = np.zeros_like(experts[0]), np.zeros(n)
    for k, expert in enumerate(held_experts):
        mine = without[folds, k]
        z += mine.astype(np.float32) * expert
        score += mine * wanted(expert)
    return Terms(softmax_in_place(z)[1] - score, learned)
