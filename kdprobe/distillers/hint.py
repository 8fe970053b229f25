"""Hints: the student's middle layer is led to predict the teacher's (FitNets, Romero et al. 2015)."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, middle, middle_regressor, mixed


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """½‖r(f_S) - f_T‖² averaged over the teacher's units, so that the weight does not depend on its width; one value a row."""
    found, wanted = student.auxiliary(middle(student.features), middle(teacher.features))
    own = 0.5 * ((found - wanted) ** 2).flatten(1).mean(dim=-1)
    return mixed(own, student, teacher, weight, response)


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    matrix, bias = student.auxiliary["linear.weight"], student.auxiliary["linear.bias"]
    own = []
    for i in range(len(student.outputs)):
        f_s, f_t = (list(view.features.values())[len(view.features) // 2][i] for view in (student, teacher))
        predicted = _truth_inputs.mapped(f_s, matrix, bias)
        own.append(0.5 * np.sum((predicted - f_t) ** 2) / f_t.size)
    return _truth_inputs.mixed(np.array(own), student, teacher, weight, response)


HINT = Distiller(
    name="hint",
    title="hints",
    knowledge="intermediate",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·½‖r(f_S) - f_T‖²/d_T, f: middle hidden layer, r: linear, trained along",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    auxiliary=middle_regressor,
    truths=(
        LossTruth(
            name="a vector, by hand",
            make=_truth_inputs.hidden(*_truth_inputs.VECTORS),
            oracle=_oracle,
            parameters={"weight": 2.0, "response": 0.5},
            kind="regression",
        ),
        LossTruth(
            name="maps, by hand",
            make=_truth_inputs.hidden(*_truth_inputs.MAPS),
            oracle=_oracle,
            parameters={"weight": 1.0, "response": 0.7},
            kind="classification",
        ),
    ),
    cites="arXiv:1412.6550",
)
