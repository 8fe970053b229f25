"""Contrast: tell a row's own teacher representation from those of the other rows (Tian, Krishnan and Isola 2020)."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, Shapes, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, last, last_size, mixed

SIZE = 32
"""Numbers in an embedding."""


def _loss(student: View, teacher: View, *, weight: Number, response: Number, softness: Number) -> torch.Tensor:
    """-log softmax of a row's own pair among the pairs of its batch, student to teacher and back, averaged; one value a row.

    Negatives are the batch's other rows, whatever their labels, so that the loss is the same for classes and values. The paper draws
    thousands of negatives from a memory of all rows; within a batch of b rows the bound is I(T;S) ≥ log b - (mean of this).
    """
    one, two = student.auxiliary(last(student), last(teacher))
    alike = functional.normalize(one, dim=-1) @ functional.normalize(two, dim=-1).T / softness
    own = -0.5 * (alike.log_softmax(dim=-1) + alike.log_softmax(dim=-2)).diagonal(dim1=-2, dim2=-1)
    return mixed(own, student, teacher, weight, response)


class Embeddings(nn.Module):
    """Two linear maps into one space."""

    def __init__(self, student: int, teacher: int, generator: torch.Generator):
        super().__init__()
        # the device "meta" leaves the weights unmade: they are drawn below, from the model's own generator
        self.student, self.teacher = (nn.Linear(size, SIZE, device="meta").to_empty(device="cpu") for size in (student, teacher))
        for layer in (self.student, self.teacher):
            bound = 1 / math.sqrt(layer.in_features)
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both embeddings, (n, SIZE)."""
        return self.student(student), self.teacher(teacher)


def _auxiliary(shapes: Shapes, generator: torch.Generator) -> nn.Module:
    return Embeddings(last_size(shapes.student), last_size(shapes.teacher), generator)


def _oracle(student: View, teacher: View, *, weight: float, response: float, softness: float) -> np.ndarray:
    embedded = []
    for name, view in (("student", student), ("teacher", teacher)):
        f = list(view.features.values())[-1].reshape(len(view.outputs), -1)
        points = f @ student.auxiliary[f"{name}.weight"].T + student.auxiliary[f"{name}.bias"]
        embedded.append(points / np.linalg.norm(points, axis=1, keepdims=True))
    score = np.exp(embedded[0] @ embedded[1].T / softness)
    own = [-0.5 * (np.log(score[i, i] / score[i].sum()) + np.log(score[i, i] / score[:, i].sum())) for i in range(len(score))]
    return _truth_inputs.mixed(np.array(own), student, teacher, weight, response)


CRD = Distiller(
    name="crd",
    title="in-batch contrast",
    knowledge="information",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·(-log e^(s_i·t_i/τ)/Σ_j e^(s_i·t_j/τ)), both ways, s and t: linear embeddings of the last hidden layers",
    parameters={"weight": 1.0, "response": 0.0, "softness": 0.1},
    needs=("outputs", "features"),
    batchwise=True,
    auxiliary=_auxiliary,
    truths=(
        LossTruth(
            name="row by row",
            make=_truth_inputs.hidden(*_truth_inputs.VECTORS),
            oracle=_oracle,
            parameters={"weight": 2.0, "response": 0.5, "softness": 0.2},
            kind="regression",
        ),
    ),
    cites="arXiv:1910.10699",
)
