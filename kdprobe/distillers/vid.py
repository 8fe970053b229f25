"""Variational information distillation: a bound on the information that student and teacher share (Ahn et al. 2019)."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, Shapes, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, Regressor, middle, middle_shape, mixed

LEAST = 1e-5
"""Smallest variance."""


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """-log q(f_T|f_S)/d_T in nats, q Gaussian with mean r(f_S) and a variance a channel; one value a row.

    I(T;S) ≥ H(T) - d_T·(mean of this), H(T) the differential entropy of the teacher's layer, which training does not change.
    """
    found, wanted, variance = student.auxiliary(middle(student.features), middle(teacher.features))
    own = 0.5 * ((found - wanted) ** 2 / variance + variance.log() + math.log(2 * math.pi)).flatten(1).mean(dim=-1)
    return mixed(own, student, teacher, weight, response)


class GaussianRegressor(nn.Module):
    """A linear map and a variance a channel, 1 at the start."""

    def __init__(self, student: tuple[int, ...], teacher: tuple[int, ...], generator: torch.Generator):
        super().__init__()
        self.mean = Regressor(student, teacher, generator)
        channels = self.mean.linear.out_features
        self.spread = nn.Parameter(torch.full((channels,), math.log(math.expm1(1 - LEAST))))

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Means and the teacher's layer (n, places, channels), variances (channels,)."""
        return *self.mean(student, teacher), functional.softplus(self.spread) + LEAST


def _auxiliary(shapes: Shapes, generator: torch.Generator) -> nn.Module:
    return GaussianRegressor(middle_shape(shapes.student), middle_shape(shapes.teacher), generator)


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    state = student.auxiliary
    variance = np.log1p(np.exp(state["spread"])) + LEAST
    own = []
    for i in range(len(student.outputs)):
        f_s, f_t = (list(view.features.values())[len(view.features) // 2][i] for view in (student, teacher))
        shape = (-1, *[1] * (f_t.ndim - 1))
        mean = _truth_inputs.mapped(f_s, state["mean.linear.weight"], state["mean.linear.bias"])
        density = np.exp(-0.5 * (f_t - mean) ** 2 / variance.reshape(shape)) / np.sqrt(2 * np.pi * variance.reshape(shape))
        own.append(-np.mean(np.log(density)))
    return _truth_inputs.mixed(np.array(own), student, teacher, weight, response)


VID = Distiller(
    name="vid",
    title="VID bound",
    knowledge="information",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·(-log q(f_T|f_S))/d_T, q: Gaussian, linear mean, a variance a channel; I(T;S) ≥ H(T) + E log q",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    auxiliary=_auxiliary,
    truths=(
        LossTruth(
            name="a vector's density by hand",
            make=_truth_inputs.hidden(*_truth_inputs.VECTORS),
            oracle=_oracle,
            parameters={"weight": 2.0, "response": 0.5},
            kind="regression",
        ),
        LossTruth(
            name="a map's density by hand",
            make=_truth_inputs.hidden(*_truth_inputs.MAPS),
            oracle=_oracle,
            parameters={"weight": 1.0, "response": 0.0},
            kind="classification",
        ),
    ),
    cites="arXiv:1904.05835",
)
