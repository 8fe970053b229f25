"""Directions of hidden layers: the student's middle layer is led to point where the teacher's points (Sanh et al. 2019)."""

import math

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, Shapes, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, middle, middle_regressor, middle_shape, mixed

SMALLEST = 1e-12
"""Added to squared lengths: a layer of rectifiers may be silent on a row, and then has no direction."""


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """1 - cos(r(f_S), f_T), averaged over the places of sequences and maps; one value a row."""
    found, wanted = student.auxiliary(middle(student.features), middle(teacher.features))
    lengths = ((found**2).sum(dim=-1) + SMALLEST) * ((wanted**2).sum(dim=-1) + SMALLEST)
    own = 1 - ((found * wanted).sum(dim=-1) * torch.rsqrt(lengths)).flatten(1).mean(dim=-1)
    return mixed(own, student, teacher, weight, response)


def _refuses(shapes: Shapes) -> str:
    layer = middle_shape(shapes.teacher)
    if math.prod(layer) < 2 or (len(layer) == 3 and layer[0] < 2):
        return f"the teacher's middle hidden layer {layer} has one channel, and the direction of a single number is its sign"
    return ""


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    matrix, bias = student.auxiliary["linear.weight"], student.auxiliary["linear.bias"]
    own = []
    for i in range(len(student.outputs)):
        f_s, f_t = (list(view.features.values())[len(view.features) // 2][i] for view in (student, teacher))
        predicted = _truth_inputs.mapped(f_s, matrix, bias)
        cosines = np.sum(predicted * f_t, axis=0) / np.sqrt(np.sum(predicted**2, axis=0) * np.sum(f_t**2, axis=0))
        own.append(1 - np.mean(cosines))
    return _truth_inputs.mixed(np.array(own), student, teacher, weight, response)


COSINE = Distiller(
    name="cosine",
    title="directions of hidden layers",
    knowledge="intermediate",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·(1 - cos(r(f_S), f_T)), f: middle hidden layer, r: linear, trained along",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    auxiliary=middle_regressor,
    refuses=_refuses,
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
    cites="arXiv:1910.01108",
)
