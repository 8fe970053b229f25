"""Probabilistic transfer: which rows are whose neighbours (Passalis and Tefas 2018)."""

import numpy as np
import torch
from torch.nn import functional

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers import _truth_inputs
from kdprobe.distillers._layers import Number, last, mixed, others, refuses_single_numbers

LEAST = 1e-7
"""Added to every similarity, so that opposite rows have a logarithm."""


def _loss(student: View, teacher: View, *, weight: Number, response: Number) -> torch.Tensor:
    """KL between the distributions over a row's neighbours, p(j|i) ∝ (1 + cosine)/2; one value a row.

    One divergence a row: its size does not depend on how many rows a batch has.
    """
    apart = others(len(teacher.outputs), teacher.outputs.device)
    p, q = (_neighbours(last(view), apart) for view in (teacher, student))
    own = (p * (p.clamp(min=1e-30).log() - q.clamp(min=1e-30).log())).sum(dim=-1)
    return mixed(own, student, teacher, weight, response)


def _neighbours(features: torch.Tensor, apart: torch.Tensor) -> torch.Tensor:
    unit = functional.normalize(features, dim=-1)
    similar = (0.5 * (1 + unit @ unit.T) + LEAST) * apart
    return similar / similar.sum(dim=-1, keepdim=True)


def _oracle(student: View, teacher: View, *, weight: float, response: float) -> np.ndarray:
    f_s, f_t = (list(view.features.values())[-1].reshape(len(view.outputs), -1) for view in (student, teacher))
    own = []
    for i in range(len(f_s)):
        distributions = []
        for f in (f_t, f_s):
            row = np.array([(1 + f[i] @ f[j] / np.sqrt(f[i] @ f[i] * (f[j] @ f[j]))) / 2 for j in range(len(f)) if j != i])
            distributions.append(row / row.sum())
        own.append(np.sum(distributions[0] * np.log(distributions[0] / distributions[1])))
    return _truth_inputs.mixed(np.array(own), student, teacher, weight, response)


PKT = Distiller(
    name="pkt",
    title="PKT neighbours",
    knowledge="relation",
    tasks=("classification", "regression"),
    loss=_loss,
    formula="(1-α)·label loss + α·Σ_j p_T(j|i)·log(p_T(j|i)/p_S(j|i)), p(j|i) ∝ (1 + cos(f_i, f_j))/2, f: last hidden layer",
    parameters={"weight": 1.0, "response": 0.0},
    needs=("outputs", "features"),
    batchwise=True,
    refuses=refuses_single_numbers,
    truths=(
        LossTruth(
            name="row by row",
            make=_truth_inputs.hidden(*_truth_inputs.VECTORS),
            oracle=_oracle,
            parameters={"weight": 1.0, "response": 0.5},
            kind="regression",
        ),
    ),
    cites="arXiv:1803.10837",
)
