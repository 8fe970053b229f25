"""Hints: the student's middle layer is led to predict the teacher's (FitNets, Romero et al. 2015)."""

import numpy as np
import torch
from torch import nn

from kdprobe.core.recipe import Distiller, LossTruth, Shapes, View
from kdprobe.distillers import _rows
from kdprobe.distillers._layers import Number, Regressor, middle, middle_shape, mixed


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """½‖r(f_S) - f_T‖² averaged over the teacher's units, so that the weight does not depend on its width; one value a row."""
    found, wanted = student.auxiliary(middle(student.features), middle(teacher.features))
    own = 0.5 * ((found - wanted) ** 2).flatten(1).mean(dim=-1)
    return mixed(own, student, teacher, weight, response)


def _auxiliary(shapes: Shapes, generator: torch.Generator) -> nn.Module:
    return Regressor(middle_shape(shapes.student), middle_shape(shapes.teacher), generator)


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    matrix, bias = student.auxiliary["linear.weight"], student.auxiliary["linear.bias"]
    own = []
    for i in range(len(student.outputs)):
        f_s, f_t = (list(view.features.values())[len(view.features) // 2][i] for view in (student, teacher))
        # a vector, or the channels at each place of a map
        predicted = np.einsum("tc,c...->t...", matrix, f_s) + bias.reshape(-1, *[1] * (f_s.ndim - 1))
        own.append(0.5 * np.sum((predicted - f_t) ** 2) / f_t.size)
    return _rows.mixed(np.array(own), student, teacher, weight, response)


HINT = Distiller(
    name="hint",
    title="hints",
    knowledge="intermediate",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·½‖r(f_S) - f_T‖²/d_T, f: middle hidden layer, r: linear, trained along",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    auxiliary=_auxiliary,
    truths=(
        LossTruth(
            name="a vector, by hand",
            make=_rows.hidden(*_rows.VECTORS),
            oracle=_oracle,
            parameters={"weight": 2.0, "response": 0.5},
            kind="regression",
        ),
        LossTruth(
            name="maps, by hand",
            make=_rows.hidden(*_rows.MAPS),
            oracle=_oracle,
            parameters={"weight": 1.0, "response": 0.7},
            kind="classification",
        ),
    ),
    cites="arXiv:1412.6550",
)
