"""The teacher as a judge of labels: those far from its prediction are left out (after Takamoto et al. 2020)."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._truth_inputs import labelled_predictions


def _loss(student: View, teacher: View, *, cut: float | torch.Tensor) -> torch.Tensor:
    """(f_S - y)² where |f_T - y| is at most `cut` target standard deviations (root mean square over the outputs), else 0; one value a row.

    A hard form of the idea; the paper's own loss fades outliers out.
    """
    own, apart = (((view.outputs - student.labels) ** 2).mean(dim=-1) for view in (student, teacher))
    return torch.where(apart <= cut**2, own, 0.0)


def _oracle(student: View, teacher: View, *, cut: float) -> np.ndarray:
    found = []
    for s, t, y in zip(student.outputs, teacher.outputs, student.labels, strict=True):
        found.append(np.mean((s - y) ** 2) if np.sqrt(np.mean((t - y) ** 2)) <= cut else 0.0)
    return np.array(found)


OUTLIER_REJECTION = Distiller(
    name="outlier_rejection",
    title="outlier rejection",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(f_S - y)² + α·(f_S - y)²·[|f_T - y| ≤ cut]",
    parameters={"cut": 1.0},
    needs=("outputs", "labels"),
    truths=tuple(
        LossTruth(name=f"rows by hand, cut {cut:g}", make=labelled_predictions, oracle=_oracle, parameters={"cut": cut})
        for cut in (1.0, 3.0)
    ),
    cites="arXiv:2002.12597",
)
