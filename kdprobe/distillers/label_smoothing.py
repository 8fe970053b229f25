"""Control: labels smoothed until they are as unsure as the teacher is on average. No teacher's knowledge of any row is in them."""

import math

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import entr, log_softmax, softmax

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.distillers._soft_targets import classes_of
from kdprobe.distillers._truth_inputs import logits

NEWTON = 16
"""Steps of Newton's method; entropy is concave in the smoothing, so that they climb to the root from below and never pass it."""


def _prepare(outputs: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Swap each row's largest output into the place of its label: the entropy stays, the label can be read off."""
    rows, first, label = np.arange(len(outputs)), outputs.argmax(axis=1), classes_of(outputs, classes)
    changed = outputs.copy()
    changed[rows, label], changed[rows, first] = outputs[rows, first], outputs[rows, label]
    return changed


def _loss(student: View, teacher: View, *, temperature: float | torch.Tensor) -> torch.Tensor:
    """T²·KL(smoothed label‖student) at temperature T, one value a row.

    The smoothing is one number a batch: with it the labels have the mean entropy of the teacher's soft targets at temperature T.
    """
    log_p = torch.log_softmax(teacher.outputs / temperature, dim=-1)
    classes = teacher.outputs.shape[-1]
    # a uniform target is where the entropy has its maximum: Newton's method needs to stay short of it
    entropy = (-log_p.exp() * log_p).sum(dim=-1).mean().clamp(1e-6, math.log(classes) * (1 - 1e-4))
    epsilon = torch.full_like(entropy, 1e-8)
    for _ in range(NEWTON):
        own, other = (1 - epsilon + epsilon / classes).log(), (epsilon / classes).log()
        found = -own.exp() * own - (classes - 1) * other.exp() * other
        epsilon = epsilon + (entropy - found) / ((classes - 1) / classes * (own - other))
    hit = teacher.outputs.argmax(dim=-1, keepdim=True) == torch.arange(classes, device=teacher.outputs.device)
    log_target = torch.where(hit, (1 - epsilon + epsilon / classes).log(), (epsilon / classes).log())
    log_student = torch.log_softmax(student.outputs / temperature, dim=-1)
    return temperature**2 * (log_target.exp() * (log_target - log_student)).sum(dim=-1)


def _oracle(student: np.ndarray, teacher: np.ndarray, *, temperature: float) -> np.ndarray:
    classes = teacher.shape[1]
    entropy = entr(softmax(teacher / temperature, axis=1)).sum(axis=1).mean()

    def smoothed(epsilon: float) -> np.ndarray:
        return (1 - epsilon) * np.eye(classes) + epsilon / classes

    epsilon = brentq(lambda e: entr(smoothed(e)[0]).sum() - entropy, 1e-12, 1 - 1e-12, xtol=1e-14)
    target = smoothed(float(epsilon))[teacher.argmax(axis=1)]  # type: ignore[arg-type]
    return temperature**2 * np.sum(target * (np.log(target) - log_softmax(student / temperature, axis=1)), axis=1)


LABEL_SMOOTHING = Distiller(
    name="label_smoothing",
    title="label smoothing",
    knowledge="control",
    tasks=("classification",),
    loss=_loss,
    formula="(1-α)·CE + α·T²·KL((1-ε)·y + ε/C‖softmax(z_S/T)), ε: the batch's targets have the teacher's mean entropy at T",
    parameters={"temperature": 1.0},
    batchwise=True,
    prepare=_prepare,
    truths=tuple(
        LossTruth(name=f"smoothed by hand, T={t:g}", make=logits, oracle=_oracle, parameters={"temperature": t}) for t in (1.0, 2.0, 8.0)
    ),
    cites="Szegedy et al. 2016, arXiv:1512.00567",
)
