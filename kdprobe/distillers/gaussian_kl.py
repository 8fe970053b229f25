"""A student that says how sure it is: KL between Gaussians round the predictions of teacher and student."""

import math
from typing import Any

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View


def _loss(student: View, teacher: View, *, spread: float | torch.Tensor) -> torch.Tensor:
    """KL(N(f_T, spread²)‖N(μ_S, σ_S²)) averaged over the outputs, one value a row.

    The teacher gives points; `spread` is the standard deviation that its predictions are taken to have.
    """
    means, log_variances = student.outputs.chunk(2, dim=-1)
    square = spread**2 + (teacher.outputs - means) ** 2
    # targets have variance 1: below e^-10 of it a variance is no estimate, and its inverse would overflow
    log_variances = log_variances.clamp(min=-10.0)
    return 0.5 * (log_variances - 2 * _log(spread) + square * torch.exp(-log_variances) - 1).mean(dim=-1)


def _log(spread: float | torch.Tensor) -> float | torch.Tensor:
    return spread.log() if isinstance(spread, torch.Tensor) else math.log(spread)


def _random(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    means, log_variances = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    return np.concatenate([means, log_variances], axis=1), rng.normal(size=(6, 2))


def _oracle(student: np.ndarray, teacher: np.ndarray, *, spread: float) -> np.ndarray:
    # by numerical integration of p·(log p - log q) over the teacher's density (Gauss-Hermite), not by the formula
    nodes, weights = np.polynomial.hermite.hermgauss(16)
    found = np.zeros(teacher.shape)
    for i, j in np.ndindex(*teacher.shape):
        y = teacher[i, j] + np.sqrt(2) * spread * nodes
        log_p = _log_density(y, teacher[i, j], spread)
        log_q = _log_density(y, student[i, j], np.exp(student[i, j + teacher.shape[1]] / 2))
        found[i, j] = weights @ (log_p - log_q) / np.sqrt(np.pi)
    return found.mean(axis=1)


def _log_density(y: np.ndarray, mean: Any, sd: Any) -> np.ndarray:
    return -0.5 * ((y - mean) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))


GAUSSIAN_KL = Distiller(
    name="gaussian_kl",
    title="Gaussian head",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(μ_S - y)² + α·KL(N(f_T, s²)‖N(μ_S, σ_S²))",
    parameters={"spread": 0.3},
    head="gaussian",
    truths=(
        LossTruth(name="the integral", make=_random, oracle=_oracle, parameters={"spread": 0.3}),
        LossTruth(name="the integral, spread 2", make=_random, oracle=_oracle, parameters={"spread": 2.0}),
    ),
    cites="Nix & Weigend 1994, doi:10.1109/ICNN.1994.374138",
)
