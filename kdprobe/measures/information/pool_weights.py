"""Weights of a log-linear pool of classifiers, by Newton's method."""

from collections.abc import Sequence

import numpy as np

_ROUNDS = 25


def fitted(
    experts: Sequence[np.ndarray], scores: Sequence[np.ndarray], weights: np.ndarray, penalty: np.ndarray, *, settled: float = 1e-6
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray]:
    """Weights (k,) of experts (c, n) each with the least penalised loss, by Newton's method; the loss is convex.

    Parameters
    ----------
    experts
        Log probabilities, in float32 or float64: products are made in their type.
    scores
        Each expert's (n,) log score of the truth.
    weights
        Where the search starts.
    penalty
        (k,) strength of the ridge; half of it times the squared weight is added to the summed loss.
    settled
        Fall of the loss that a step must promise to be taken, nats a row.

    Returns
    -------
    tuple
        The weights, the loss of each row, its slopes by weight, and the curvature (k, k) of the summed loss.
    """

    def at(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        p, normaliser = softmax_in_place(_mixed(experts, weights))
        losses = normaliser - sum(weight * score for weight, score in zip(weights, scores, strict=True))
        return float(losses.sum() + 0.5 * penalty @ weights**2), losses, p

    value, losses, p = at(weights)
    for _ in range(_ROUNDS):
        slopes, curvature = _derivatives(experts, scores, p)
        gradient = np.array([slope.sum() for slope in slopes]) + penalty * weights
        step = np.linalg.solve(curvature + np.diag(penalty), gradient)
        if gradient @ step < settled * len(losses):
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
    z = experts[0].dtype.type(weights[0]) * experts[0]
    for weight, expert in zip(weights[1:], experts[1:], strict=True):
        z += expert.dtype.type(weight) * expert
    return z


def softmax_in_place(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
