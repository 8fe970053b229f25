"""Similarity-preserving distillation: rows that are alike for the teacher are alike for the student (Tung and Mori 2019)."""

import numpy as np
import torch
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, last, mixed, refuses_single_numbers


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """Σ_j (G_S - G_T)²_ij / b, G the rows' inner products with each row of length 1; one value a row, their mean is the paper's.

    Entries of G shrink as the batch grows: a weight belongs to its batch size b.
    """
    found, wanted = (_similarities(last(view)) for view in (student, teacher))
    own = ((found - wanted) ** 2).sum(dim=-1) / len(teacher.outputs)
    return mixed(own, student, teacher, weight, response)


def _similarities(features: torch.Tensor) -> torch.Tensor:
    # the size of the features cancels; scaled first, because squares of squares leave the range of float32
    scaled = features / (features.detach().abs().amax() + 1e-12)
    return functional.normalize(scaled @ scaled.T, dim=-1)


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    grams = []
    for view in (student, teacher):
        f = list(view.features.values())[-1].reshape(len(view.outputs), -1)
        gram = np.array([[np.sum(a * b) for b in f] for a in f])
        grams.append(np.array([row / np.linalg.norm(row) for row in gram]))
    own = np.sum((grams[0] - grams[1]) ** 2, axis=1) / len(grams[0])
    return _truth_inputs.mixed(own, student, teacher, weight, response)


SP = Distiller(
    name="sp",
    title="SP similarities",
    knowledge="relation",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·‖G_S - G_T‖²/b², G: inner products of the last hidden layer's rows, each row of G of length 1",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    batchwise=True,
    refuses=refuses_single_numbers,
    truths=(
        LossTruth(
            name="pair by pair",
            make=_truth_inputs.hidden(*_truth_inputs.VECTORS),
            oracle=_oracle,
            parameters={"weight": 3.0, "response": 0.5},
            kind="regression",
        ),
    ),
    cites="arXiv:1907.09682",
)
