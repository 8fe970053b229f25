"""Regression as classification: the student says a histogram, and learns the teacher's value smoothed by a Gaussian (HL-Gauss)."""

import numpy as np
import torch
from scipy.special import rel_entr, softmax
from scipy.stats import truncnorm

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._histogram import BINS, HIGH, LOW, SPREAD, cross_entropy, smoothed


def _loss(student: View, teacher: View, *, spread: float | torch.Tensor) -> torch.Tensor:
    """KL(smoothed histogram of the teacher's value‖the student's histogram), averaged over the targets, one value a row."""
    target = smoothed(teacher.outputs, spread)
    return (cross_entropy(target, student.outputs) - torch.special.entr(target).sum(dim=-1)).mean(dim=-1)


def _random(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    # teachers inside the range, near its end and beyond it
    return rng.normal(size=(6, 2 * BINS)), rng.normal(size=(6, 2)) * np.array([[0.3], [1], [2], [4], [4.9], [20]])


def _oracle(student: np.ndarray, teacher: np.ndarray, *, spread: float) -> np.ndarray:
    edges = np.linspace(LOW, HIGH, BINS + 1)
    found = np.zeros(teacher.shape)
    for i, j in np.ndindex(*teacher.shape):
        value = np.clip(teacher[i, j], LOW, HIGH)
        cut = truncnorm((LOW - value) / spread, (HIGH - value) / spread, loc=value, scale=spread)
        mass = np.maximum(np.diff(cut.cdf(edges)), 0)
        found[i, j] = rel_entr(mass, softmax(student[i, j * BINS : (j + 1) * BINS])).sum()
    return found.mean(axis=1)


HL_GAUSS = Distiller(
    name="hl_gauss",
    title="histogram head (HL-Gauss)",
    knowledge="response",
    tasks=("regression",),
    loss=_loss,
    formula="(1-α)·CE(h(y), h_S) + α·KL(h(f_T)‖h_S), h: 50 bins from -5 to 5 sd of a Gaussian of sd s round a value",
    parameters={"spread": SPREAD},
    head="histogram",
    truths=(
        LossTruth(name="a truncated normal distribution", make=_random, oracle=_oracle, parameters={"spread": SPREAD}),
        LossTruth(name="a truncated normal distribution, spread 1", make=_random, oracle=_oracle, parameters={"spread": 1.0}),
    ),
    cites="arXiv:1806.04613; arXiv:2403.03950",
)
