"""L2 imitation of a regression teacher."""

from collections.abc import Mapping

import numpy as np
import torch

from kdprobe.core.recipe import ClosedForm, Distiller, LossTruth, View
from kdprobe.distillers._rows import predictions


def _loss(student: View, teacher: View) -> torch.Tensor:
    """Mean over the outputs of (student - teacher)², one value a row."""
    return ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)


def _fixed(teacher: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"predictions": teacher}


def _slope(student: torch.Tensor, targets: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    apart = student - targets["predictions"]
    return (apart**2).mean(dim=-1, keepdim=True), apart * (2 / apart.shape[-1])


def _oracle(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.array([np.mean([(s - t) ** 2 for s, t in zip(a, b, strict=True)]) for a, b in zip(student, teacher, strict=True)])


L2_IMITATION = Distiller(
    name="l2_imitation",
    title="L2 imitation",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    closed=ClosedForm(slope=_slope, fixed=_fixed),
    formula="(1-α)·(f_S - y)² + α·(f_S - f_T)², the same as learning (1-α)·y + α·f_T",
    truths=(LossTruth(name="squares by hand", make=predictions, oracle=_oracle),),
    cites="arXiv:1312.6184",
)
