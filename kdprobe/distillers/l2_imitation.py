"""L2 imitation of a regression teacher."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._rows import predictions


def _loss(student: View, teacher: View) -> torch.Tensor:
    """Mean over the outputs of (student - teacher)², one value a row."""
    return ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)


def _oracle(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.array([np.mean([(s - t) ** 2 for s, t in zip(a, b, strict=True)]) for a, b in zip(student, teacher, strict=True)])


L2_IMITATION = Distiller(
    name="l2_imitation",
    title="L2 imitation",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(f_S - y)² + α·(f_S - f_T)², the same as learning (1-α)·y + α·f_T",
    truths=(LossTruth(name="squares by hand", make=predictions, oracle=_oracle),),
    cites="arXiv:1312.6184",
)
