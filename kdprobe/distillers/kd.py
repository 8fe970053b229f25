"""Soft targets (Hinton, Vinyals and Dean 2015)."""

import numpy as np

from kdprobe.core.recipe import Distiller, LossTruth
from kdprobe.distillers._soft_targets import SOFT_TARGETS, soft_targets, soft_targets_oracle
from kdprobe.distillers._truth_inputs import logits


def _logit_mse(student: np.ndarray, teacher: np.ndarray, *, temperature: float) -> np.ndarray:
    # Hinton et al., section 2.1: the limit for a temperature that is high compared with the logits
    difference = (student - student.mean(1, keepdims=True)) - (teacher - teacher.mean(1, keepdims=True))
    return (difference**2).sum(1) / (2 * student.shape[1])


KD = Distiller(
    name="kd",
    title="soft targets",
    knowledge="response",
    tasks=("classification",),
    loss=soft_targets,
    closed=SOFT_TARGETS,
    formula="(1-α)·CE + α·T²·KL(softmax(z_T/T)‖softmax(z_S/T))",
    parameters={"temperature": 1.0},
    truths=(
        LossTruth(name="KL by hand", make=logits, oracle=soft_targets_oracle, parameters={"temperature": 1.0}),
        LossTruth(name="KL by hand, T=4", make=logits, oracle=soft_targets_oracle, parameters={"temperature": 4.0}),
        LossTruth(
            name="a high temperature gives the logit MSE", make=logits, oracle=_logit_mse, parameters={"temperature": 1e3}, tolerance=0.02
        ),
    ),
    cites="arXiv:1503.02531",
)
