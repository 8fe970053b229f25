"""Squared error of logits (Ba and Caruana 2014)."""

import numpy as np
import torch
from scipy.special import log_softmax

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._truth_inputs import logits


def _loss(student: View, teacher: View) -> torch.Tensor:
    """‖z_S - z_T‖²/2C, one value a row: half the mean squared difference."""
    return 0.5 * ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)


def _oracle(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.array([float(np.dot(s - t, s - t)) / (2 * len(s)) for s, t in zip(student, teacher, strict=True)])


def _centred(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    student, teacher = logits(rng)
    return student - student.mean(1, keepdims=True), teacher - teacher.mean(1, keepdims=True)


def _hot_kl(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    # Hinton et al. 2015, section 2.1: what T²·KL tends to for centred logits
    temperature = 1e4
    log_p, log_q = log_softmax(teacher / temperature, axis=1), log_softmax(student / temperature, axis=1)
    return temperature**2 * np.sum(np.exp(log_p) * (log_p - log_q), axis=1)


LOGIT_MSE = Distiller(
    name="logit_mse",
    title="logit matching",
    knowledge="response",
    tasks=("classification",),
    loss=_loss,
    squared=True,
    formula="(1-α)·CE + α·‖z_S - z_T‖²/2C",
    truths=(
        LossTruth(name="squares by hand", make=logits, oracle=_oracle),
        LossTruth(name="the limit of soft targets at high temperature", make=_centred, oracle=_hot_kl, tolerance=1e-3),
    ),
    cites="arXiv:1312.6184",
)
