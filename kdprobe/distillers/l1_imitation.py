"""L1 imitation of a regression teacher: outliers of the teacher pull less."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._truth_inputs import predictions


def _loss(student: View, teacher: View) -> torch.Tensor:
    """Mean over the outputs of |student - teacher|, one value a row."""
    return (student.outputs - teacher.outputs).abs().mean(dim=-1)


def _oracle(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.linalg.norm(student - teacher, ord=1, axis=1) / student.shape[1]


L1_IMITATION = Distiller(
    name="l1_imitation",
    title="L1 imitation",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·(f_S - y)² + α·|f_S - f_T|",
    truths=(LossTruth(name="distances by hand", make=predictions, oracle=_oracle),),
    cites="doi:10.1145/1150402.1150464",
)
