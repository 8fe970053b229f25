"""Correlations instead of exact matches, for teachers much stronger than the student (DIST, Huang et al. 2022)."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.core.trace import softmax
from kdprobe.distillers._truth_inputs import logits

LEAST = 1e-8
"""Added under every root, so that constant columns have a correlation: 0."""


def _loss(
    student: View, teacher: View, *, temperature: float | torch.Tensor, between: float | torch.Tensor, within: float | torch.Tensor
) -> torch.Tensor:
    """T²·(between·(1 - ρ over a row's classes) + within·(1 - ρ over the batch, averaged over classes)), one value a row.

    ρ is Pearson's correlation of soft targets. The second part belongs to the batch, and each row carries it.
    """
    p, q = (torch.softmax(view.outputs / temperature, dim=-1) for view in (teacher, student))
    of_rows = 1 - _correlation(p, q, dim=-1)
    of_classes = 1 - _correlation(p, q, dim=-2).mean(dim=-1)
    return temperature**2 * (between * of_rows + within * of_classes)


def _correlation(one: torch.Tensor, two: torch.Tensor, *, dim: int) -> torch.Tensor:
    one, two = (values - values.mean(dim=dim, keepdim=True) for values in (one, two))
    return (one * two).sum(dim=dim) / ((one.square().sum(dim=dim) + LEAST**2) * (two.square().sum(dim=dim) + LEAST**2)).sqrt()


def _oracle(student: np.ndarray, teacher: np.ndarray, *, temperature: float, between: float, within: float) -> np.ndarray:
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    of_rows = np.array([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p, q, strict=True)])
    of_classes = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)])
    return temperature**2 * (between * of_rows + within * of_classes)


DIST = Distiller(
    name="dist",
    title="DIST correlations",
    knowledge="response",
    tasks=("classification",),
    loss=_loss,
    formula="(1-α)·CE + α·T²·(β·(1 - ρ(p_T, p_S) over classes) + γ·(1 - ρ(p_T, p_S) over rows)), ρ: Pearson",
    parameters={"temperature": 2.0, "between": 1.0, "within": 1.0},
    batchwise=True,
    truths=(
        LossTruth(
            name="correlations by hand",
            make=logits,
            oracle=_oracle,
            parameters={"temperature": 2.0, "between": 1.0, "within": 0.5},
        ),
    ),
    cites="arXiv:2205.10536",
)
