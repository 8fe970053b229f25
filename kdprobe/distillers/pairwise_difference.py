"""Differences between rows: the teacher says by how much one row's value exceeds another's."""

import itertools

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, mixed


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """Mean over the batch's other rows j of ((f_S,i - f_S,j) - (f_T,i - f_T,j))², averaged over the outputs; one value a row.

    L2 imitation without the common offset: its mean is twice the variance over the batch of f_S - f_T.
    """
    apart = student.outputs - teacher.outputs
    rows = apart.shape[0]
    # Σ_j (a_i - a_j)² by its expansion around the batch's mean
    centred = apart - apart.mean(dim=0)
    own = (rows * centred**2 + (centred**2).sum(dim=0)).mean(dim=-1) / max(rows - 1, 1)
    return mixed(own, student, teacher, weight, response)


def _make(rng: np.random.Generator) -> tuple[View, View]:
    student, teacher = _truth_inputs.predictions(rng)
    return View(student, {}), View(teacher, {})


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    rows = len(student.outputs)
    own = np.zeros(rows)
    for i, j in itertools.permutations(range(rows), 2):
        difference = (student.outputs[i] - student.outputs[j]) - (teacher.outputs[i] - teacher.outputs[j])
        own[i] += np.mean(difference**2) / (rows - 1)
    return _truth_inputs.mixed(own, student, teacher, weight, response)


PAIRWISE_DIFFERENCE = Distiller(
    name="pairwise_difference",
    title="pair differences",
    knowledge="relation",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(f_S - y)² + α·((f_S,i - f_S,j) - (f_T,i - f_T,j))², over the pairs of a batch",
    parameters={"weight": 1.0, "response": 0.0},
    batchwise=True,
    truths=(LossTruth(name="pair by pair", make=_make, oracle=_oracle, parameters={"weight": 2.0, "response": 0.5}),),
    cites="arXiv:1904.05068",
)
