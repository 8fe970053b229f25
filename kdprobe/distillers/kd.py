"""Soft targets (Hinton, Vinyals and Dean 2015)."""

import numpy as np
import torch
from scipy.special import log_softmax

from kdprobe.core.recipe import Distiller, LossTruth, View


def _loss(student: View, teacher: View, *, temperature: float | torch.Tensor) -> torch.Tensor:
    """T²·KL(teacher‖student) at temperature T, one value a row.

    T² keeps the gradient's size comparable over temperatures, at every alpha.
    """
    log_teacher = torch.log_softmax(teacher.outputs / temperature, dim=-1)
    log_student = torch.log_softmax(student.outputs / temperature, dim=-1)
    return temperature**2 * (log_teacher.exp() * (log_teacher - log_student)).sum(dim=-1)


def _oracle(student: np.ndarray, teacher: np.ndarray, *, temperature: float) -> np.ndarray:
    p, q = np.exp(log_softmax(teacher / temperature, axis=1)), np.exp(log_softmax(student / temperature, axis=1))
    return temperature**2 * np.sum(p * np.log(p / q), axis=1)


def _logit_mse(student: np.ndarray, teacher: np.ndarray, *, temperature: float) -> np.ndarray:
    # Hinton et al., section 2.1: the limit for a temperature that is high compared with the logits
    difference = (student - student.mean(1, keepdims=True)) - (teacher - teacher.mean(1, keepdims=True))
    return (difference**2).sum(1) / (2 * student.shape[1])


def _random(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(32, 7)), 3 * rng.normal(size=(32, 7))


KD = Distiller(
    name="kd",
    title="soft targets",
    knowledge="response",
    tasks=("classification",),
    loss=_loss,
    formula="(1-α)·CE + α·T²·KL(softmax(z_T/T)‖softmax(z_S/T))",
    parameters={"temperature": 2.0},
    truths=(
        LossTruth(name="KL by hand", make=_random, oracle=_oracle, parameters={"temperature": 1.0}),
        LossTruth(name="KL by hand, T=4", make=_random, oracle=_oracle, parameters={"temperature": 4.0}),
        LossTruth(
            name="a high temperature gives the logit MSE", make=_random, oracle=_logit_mse, parameters={"temperature": 1e3}, tolerance=0.02
        ),
    ),
    cites="arXiv:1503.02531",
)
