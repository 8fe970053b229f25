"""Relational distillation: distances between rows, and the angles they span (Park et al. 2019)."""

import itertools
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, last, mixed, others, refuses_single_numbers

NEAR = 1e-6
"""Pairs nearer than the root of this share of the mean squared distance have no direction: rounding would choose it."""


def _loss(student: View, teacher: View, *, distance: Number, angle: Number, response: Number) -> torch.Tensor:
    """Huber losses of distances (over their mean) and of cosines of angles, averaged over a row's pairs and triplets; one value a row.

    A row's triplets are those with the row at the corner. Costs O(n³) time and memory in the n rows of a batch.
    """
    rows = len(teacher.outputs)
    apart = others(rows, teacher.outputs.device)
    squares, inner = zip(*(_geometry(last(view), apart) for view in (student, teacher)), strict=True)
    lengths = [(values * apart + (1 - apart)).sqrt() * apart for values in squares]
    means = [values.sum() / (rows * (rows - 1)) for values in lengths]
    of_pairs = functional.huber_loss(lengths[0] / means[0], lengths[1] / means[1], reduction="none").sum(dim=-1) / (rows - 1)
    cosines = [_cosines(values, near, apart) for values, near in zip(squares, inner, strict=True)]
    triplets = apart[:, :, None] * apart[:, None, :]
    huber = functional.huber_loss(*cosines, reduction="none") * triplets
    of_triplets = huber.sum(dim=(1, 2)) / max((rows - 1) * (rows - 2), 1)
    return mixed(distance * of_pairs + angle * of_triplets, student, teacher, 1.0, response)


def _geometry(features: torch.Tensor, apart: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Squared distances between rows, kept off 0, and inner products of centred rows."""
    centred = features - features.mean(dim=0)
    inner = centred @ centred.T
    norms = inner.diagonal(dim1=-2, dim2=-1)
    squares = norms[:, None] + norms[None, :] - 2 * inner
    floor = NEAR * (squares * apart).sum().detach() / apart.sum() + 1e-30
    return torch.maximum(squares, floor), inner


def _cosines(squares: torch.Tensor, inner: torch.Tensor, apart: torch.Tensor) -> torch.Tensor:
    """[j, i, k]: cosine of the angle at row j between rows i and k."""
    own = inner.diagonal(dim1=-2, dim2=-1)
    dots = inner[None, :, :] - inner[:, :, None] - inner[:, None, :] + own[:, None, None]
    lengths = squares.sqrt()
    return dots / (lengths[:, :, None] * lengths[:, None, :])


def _oracle(student: View, teacher: View, *, distance: float, angle: float, response: float) -> np.ndarray:
    def huber(x: Any) -> Any:
        return 0.5 * x * x if abs(x) <= 1 else abs(x) - 0.5

    f_s, f_t = (list(view.features.values())[-1].reshape(len(view.outputs), -1) for view in (student, teacher))
    rows = len(f_s)
    mean_s, mean_t = (np.mean([np.linalg.norm(f[i] - f[j]) for i, j in itertools.permutations(range(rows), 2)]) for f in (f_s, f_t))
    own = np.zeros(rows)
    for i in range(rows):
        pairs = [huber(np.linalg.norm(f_s[i] - f_s[j]) / mean_s - np.linalg.norm(f_t[i] - f_t[j]) / mean_t) for j in range(rows) if j != i]
        triplets = []
        # the angle of a row with itself is 0 in both: it adds nothing, and is left out of the count as triplets of three rows are
        for j, k in itertools.permutations([row for row in range(rows) if row != i], 2):
            cosines = [(f[j] - f[i]) @ (f[k] - f[i]) / (np.linalg.norm(f[j] - f[i]) * np.linalg.norm(f[k] - f[i])) for f in (f_s, f_t)]
            triplets.append(huber(cosines[0] - cosines[1]))
        own[i] = distance * np.mean(pairs) + angle * np.mean(triplets)
    return _truth_inputs.mixed(own, student, teacher, 1.0, response)


RKD = Distiller(
    name="rkd",
    title="RKD geometry",
    knowledge="relation",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·(λ_D·h(d_S/μ_S - d_T/μ_T) + λ_A·h(cos∠_S - cos∠_T)), h: Huber, of the last hidden layer's rows",
    parameters={"distance": 1.0, "angle": 2.0, "response": 0.0},
    needs=("outputs", "features"),
    batchwise=True,
    refuses=refuses_single_numbers,
    truths=tuple(
        LossTruth(name=name, make=_truth_inputs.hidden(*_truth_inputs.VECTORS), oracle=_oracle, parameters=parameters, kind="regression")
        for name, parameters in {
            "distances pair by pair": {"distance": 2.0, "angle": 0.0, "response": 0.0},
            "angles triplet by triplet": {"distance": 0.0, "angle": 1.0, "response": 0.5},
        }.items()
    ),
    cites="arXiv:1904.05068",
)
