"""The log-linear pool of classifiers, learned once from all rows by Newton's method, with each fold's weights one step from there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kdprobe.measures.information.usable_classes import FOLDS

# rows from which a quarter of them gives the first guess
_MANY = 2000
_ROUNDS, _SETTLED = 25, 1e-6


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
        weights = _newton([expert[:, some] for expert in experts], [score[some] for score in scores], weights, penalty)[0]
    weights, learned, slopes, curvature = _newton(experts, scores, weights, penalty)
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
    return Terms(_normaliser(z)[1] - score, learned)


def _newton(
    experts: Sequence[np.ndarray], scores: Sequence[np.ndarray], weights: np.ndarray, penalty: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray]:
    """Weights of least penalised loss, the loss of each row, its slopes by weight, and the loss's curvature (k, k)."""

    def at(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        p, normaliser = _normaliser(_mixed(experts, weights))
        losses = normaliser - sum(weight * score for weight, score in zip(weights, scores, strict=True))
        return float(losses.sum() + 0.5 * penalty @ weights**2), losses, p

    value, losses, p = at(weights)
    for _ in range(_ROUNDS):
        slopes, curvature = _derivatives(experts, scores, p)
        gradient = np.array([slope.sum() for slope in slopes]) + penalty * weights
        step = np.linalg.solve(curvature + np.diag(penalty), gradient)
        if gradient @ step < _SETTLED * len(losses):
            return weights, losses, slopes, curvature
        for _ in range(20):
            found = at(weights - step)
            if found[0] <= value:
                break
            step = step / 2
        else:
            return weights, losses, slopes, curvature
        weights = weights - step
        value, losses, p = found
    return weights, losses, *_derivatives(experts, scores, p)


def _mixed(experts: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    z = np.float32(weights[0]) * experts[0]
    for weight, expert in zip(weights[1:], experts[1:], strict=True):
        z += np.float32(weight) * expert
    return z


def _normaliser(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Softmax of z (c, n), made in its place, and the log of each row's sum (n,) in float64."""
    most = z.max(axis=0)
    z -= most
    np.exp(z, out=z)
    total = z.sum(axis=0)
    z /= total
    return z, most.astype(np.float64) + np.log(total, dtype=np.float64)


def _derivatives(experts: Sequence[np.ndarray], scores: Sequence[np.ndarray], p: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    weighted = [p * expert for expert in experts]
    means = [values.sum(axis=0).astype(np.float64) for values in weighted]
    curvature = np.empty((len(experts), len(experts)))
    for i, values in enumerate(weighted):
        for j in range(i, len(experts)):
            curvature[i, j] = curvature[j, i] = float(np.vdot(values, experts[j])) - float(means[i] @ means[j])
    return [mean - score for mean, score in zip(means, scores, strict=True)], curvature
