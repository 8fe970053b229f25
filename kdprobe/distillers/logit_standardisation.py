"""Soft targets of standardised logits: the student need not reach the teacher's range (Sun et al. 2024)."""

import numpy as np
import torch

from kdprobe.core.recipe import Distiller, LossTruth, View
from kdprobe.core.trace import log_softmax
from kdprobe.distillers._soft_targets import soft_targets
from kdprobe.distillers._truth_inputs import logits

LEAST = 1e-7
"""Added to every spread, so that constant logits have a score."""


def _loss(student: View, teacher: View, *, temperature: float | torch.Tensor) -> torch.Tensor:
    """T²·KL(teacher‖student) at temperature T of each row's z-scores, one value a row."""
    return soft_targets(_standard(student), _standard(teacher), temperature=temperature)


def _standard(view: View) -> View:
    centred = view.outputs - view.outputs.mean(dim=-1, keepdim=True)
    # under the root too, because its slope at 0 is infinite
    spread = (centred.square().mean(dim=-1, keepdim=True) + LEAST**2).sqrt()
    return View(centred / (spread + LEAST), {})


def _oracle(student: np.ndarray, teacher: np.ndarray, *, temperature: float) -> np.ndarray:
    found = []
    for z_s, z_t in zip(student, teacher, strict=True):
        log_q, log_p = (log_softmax(((z - np.mean(z)) / np.std(z) / temperature)[None])[0] for z in (z_s, z_t))
        found.append(temperature**2 * np.sum(np.exp(log_p) * (log_p - log_q)))
    return np.array(found)


LOGIT_STANDARDISATION = Distiller(
    name="logit_standardisation",
    title="standardised logits",
    knowledge="response",
    tasks=("classification",),
    loss=_loss,
    formula="(1-α)·CE + α·T²·KL(softmax(ẑ_T/T)‖softmax(ẑ_S/T)), ẑ: each row's logits less their mean, over their spread",
    parameters={"temperature": 2.0},
    truths=tuple(
        LossTruth(name=f"z-scores by hand, T={t:g}", make=logits, oracle=_oracle, parameters={"temperature": t}) for t in (1.0, 2.0)
    ),
    cites="arXiv:2403.01427",
)
