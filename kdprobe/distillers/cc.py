"""Correlation congruence: a Gaussian kernel between rows, to a few orders of its series (Peng et al. 2019)."""

import math

import numpy as np
import torch
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, last, mixed, refuses_single_numbers

ORDER = 2
"""Orders of the series beyond the constant."""


def _loss(student: View, teacher: View, *, weight: Number, response: Number, gamma: Number) -> torch.Tensor:
    """Mean over j of (K_S - K_T)²_ij, K = Σ_p e^-2γ (2γ)^p/p! (f_i·f_j)^p with rows of length 1; one value a row.

    The series of exp(-γ‖f_i - f_j‖²).
    """
    found, wanted = (_kernel(last(view), gamma) for view in (student, teacher))
    return mixed(((found - wanted) ** 2).mean(dim=-1), student, teacher, weight, response)


def _kernel(features: torch.Tensor, gamma: Number) -> torch.Tensor:
    unit = functional.normalize(features, dim=-1)
    inner = unit @ unit.T
    scale = gamma.exp() if isinstance(gamma, torch.Tensor) else math.exp(gamma)
    return sum((2 * gamma) ** p / math.factorial(p) * inner**p for p in range(1, ORDER + 1)) / scale**2  # type: ignore[return-value]


def _oracle(student: View, teacher: View, *, weight: float, response: float, gamma: float) -> np.ndarray:
    kernels = []
    for view in (student, teacher):
        f = list(view.features.values())[-1].reshape(len(view.outputs), -1)
        f = f / np.linalg.norm(f, axis=1, keepdims=True)
        kernels.append(np.array([[np.exp(-2 * gamma) * (2 * gamma * (a @ b) + (2 * gamma * (a @ b)) ** 2 / 2) for b in f] for a in f]))
    own = np.mean((kernels[0] - kernels[1]) ** 2, axis=1)
    return _truth_inputs.mixed(own, student, teacher, weight, response)


CC = Distiller(
    name="cc",
    title="CC kernel",
    knowledge="relation",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·mean_j (K_S - K_T)²_ij, K: second-order series of exp(-γ‖f_i - f_j‖²), f: last hidden layer, length 1",
    parameters={"weight": 1.0, "response": 0.0, "gamma": 0.4},
    needs=("outputs", "features"),
    batchwise=True,
    refuses=refuses_single_numbers,
    truths=(
        LossTruth(
            name="kernels pair by pair",
            make=_truth_inputs.hidden(*_truth_inputs.VECTORS),
            oracle=_oracle,
            parameters={"weight": 2.0, "response": 0.5, "gamma": 0.4},
            kind="regression",
        ),
    ),
    cites="arXiv:1904.01802",
)
